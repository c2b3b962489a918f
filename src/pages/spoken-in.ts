import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

/** The attributes of an element that is in a language (WCAG 2.2 §3.1.1): its tag, and the direction where it isn't HTML's own. */
export function spokenIn(language: Language): Html {
  const direction = message(language, 'layout.direction')
  return html` lang="${language}"${direction !== 'ltr' && html` dir="${direction}"`}`
}
