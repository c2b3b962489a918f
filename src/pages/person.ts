import { clip, foreign, isVisible } from './foreign.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

/** The account that a page speaks of. */
export type Person = { readonly username: string; readonly fullName?: string }

/** What to call somebody: the name if there is one. */
export function personText(person: Person): string {
  return clip(isVisible(person.fullName) ? person.fullName : person.username)
}

export function personName(person: Person): Html {
  return html`<strong>${foreign(personText(person))}</strong>`
}

/** Somebody at a glance: initials, name, username. */
export function personCard(person: Person): Html {
  return html`<p class="person">
    <span class="initials" aria-hidden="true">${initials(personText(person))}</span>
    <span>
      ${personName(person)}
      ${personText(person) !== person.username && html`<small>${foreign(person.username)}</small>`}
    </span>
  </p>`
}

/** The first letters of the first and the last word. */
function initials(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? []
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]]
  return letters.map((word) => Array.from(word ?? '·')[0]?.toLocaleUpperCase('en') ?? '').join('')
}
