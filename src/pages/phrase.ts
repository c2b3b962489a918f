import { fillMessage } from '../i18n/message.ts'
import type { MessageArguments } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import type { MessageKey } from '../i18n/messages/translation.ts'
import { html } from './html.ts'
import type { Html, HtmlValue } from './html.ts'

/** A message whose placeholders may hold markup. Plain text in them is escaped like everywhere. */
export function phrase<Key extends MessageKey>(
  language: Language,
  key: Key,
  ...values: MessageArguments<Key, HtmlValue>
): Html {
  return html`${fillMessage<HtmlValue>(language, key, values[0])}`
}
