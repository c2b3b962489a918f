import type { en } from './en.ts'

export type MessageKey = keyof typeof en

/** The names between braces in a message. */
export type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

export type PlaceholdersOf<Key extends MessageKey> = Placeholders<(typeof en)[Key]>

/** Messages without placeholders. */
export type PlainKey = { [Key in MessageKey]: [PlaceholdersOf<Key>] extends [never] ? Key : never }[MessageKey]

/** A text that holds every one of the placeholders, in any order. */
type Holding<Names extends string> = [Names] extends [never]
  ? string
  : (Names extends string ? (text: `${string}{${Names}}${string}`) => void : never) extends (text: infer Each) => void
    ? Each
    : never

/** What a language's file must satisfy: every message, none with a placeholder left out. */
export type Translation = {
  readonly [Key in MessageKey]: Key extends keyof Fixed ? Fixed[Key] : Holding<PlaceholdersOf<Key>>
}

/** What isn't said to anybody, but is the language's own. */
type Fixed = { readonly 'layout.direction': 'ltr' | 'rtl' }
