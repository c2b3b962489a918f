import { instant } from '../i18n/instant.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

/** A point in time, for people and for programs. */
export function time(language: Language, at: EpochSeconds): Html {
  return html`<time datetime="${new Date(at * 1000).toISOString()}">${instant(language, at)}</time>`
}
