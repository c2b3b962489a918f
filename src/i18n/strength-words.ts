import { message } from './message.ts'
import type { Language } from './messages/catalogue.ts'
import { en } from './messages/en.ts'

type Kind = 'warning' | 'suggestion'
type StrengthKey = Extract<keyof typeof en, `strength.${Kind}.${string}`>

const isStrengthKey = (key: string): key is StrengthKey => Object.hasOwn(en, key)

/** What the estimator of passwords means by one of its names; nothing for one that nobody has put into words. */
export function strengthWords(language: Language, kind: Kind, name: string | undefined): string | undefined {
  const key = `strength.${kind}.${name}`
  return isStrengthKey(key) ? message(language, key) : undefined
}
