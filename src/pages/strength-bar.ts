import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { strengthWords } from '../i18n/strength-words.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

/** What was found about a password; nothing: it is good. */
export type StrengthView =
  { readonly score: number; readonly warning?: string | undefined; readonly suggestions: readonly string[] } | undefined

/** The bar in numbers and sentences, for the page and for its script. */
export type StrengthInWords = { readonly score: number; readonly word: string; readonly says: readonly string[] }

const words = ['strength.score.0', 'strength.score.1', 'strength.score.2'] as const

export function strengthInWords(language: Language, found: StrengthView): StrengthInWords {
  if (found === undefined) return { score: 4, word: message(language, 'strength.score.4'), says: [] }
  const { score, warning, suggestions } = found
  const says = [
    strengthWords(language, 'warning', warning),
    ...suggestions.map((name) => strengthWords(language, 'suggestion', name)),
  ].filter((sentence) => sentence !== undefined)
  return { score, word: message(language, words[score] ?? words[2]), says }
}

/** A bar under a new password: shown with one that was refused, and by the script of the page while somebody types. */
export function strengthBar(language: Language, refused: StrengthView): Html {
  const { score, word, says } =
    refused === undefined ? { score: 0, word: '', says: [] } : strengthInWords(language, refused)
  // One step more than none, or the worst would be no bar at all.
  return html`<div id="strength" role="status"${refused === undefined && html` hidden`}>
    <meter aria-label="${message(language, 'strength.label')}" min="0" max="5" low="2" high="4" optimum="5"
      value="${String(score + 1)}"></meter>
    <p><strong>${word}</strong></p>
    <ul class="quiet">
      ${says.map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
  </div>`
}
