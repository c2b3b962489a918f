import { catalogue } from './messages/catalogue.ts'
import type { Language } from './messages/catalogue.ts'
import type { MessageKey, PlaceholdersOf } from './messages/translation.ts'

/** The arguments that a message needs: none, or one object that fills each of its placeholders. */
export type MessageArguments<Key extends MessageKey, Value> = [PlaceholdersOf<Key>] extends [never]
  ? []
  : [values: { readonly [Name in PlaceholdersOf<Key>]: Value }]

/** A message as plain text. */
export function message<Key extends MessageKey>(
  language: Language,
  key: Key,
  ...values: MessageArguments<Key, string | number>
): string {
  return fillMessage<string | number>(language, key, values[0]).join('')
}

const splitMessages = new Map<string, readonly string[]>()

/**
 * A message as its pieces in order, text and values, so that a page can put markup where a placeholder stands without the
 * sentence being torn into fragments that no translator could turn round.
 */
export function fillMessage<Value>(
  language: Language,
  key: MessageKey,
  values: Readonly<Record<string, Value>> | undefined,
): readonly (string | Value)[] {
  const text = catalogue(language)[key]
  let pieces = splitMessages.get(text)
  if (pieces === undefined) {
    pieces = text.split(/\{(\w+)\}/)
    splitMessages.set(text, pieces)
  }
  return pieces.map((piece, at) => (at % 2 === 0 ? piece : (values?.[piece] ?? '')))
}
