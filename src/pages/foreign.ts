import { html } from './html.ts'
import type { Html } from './html.ts'

const longest = 80

/**
 * Text that somebody else chose, shown inside a sentence of ours. `<bdi>` keeps right-to-left marks from turning our words round,
 * and the cut keeps a long name from pushing them off the page.
 */
export function foreign(text: string): Html {
  return html`<bdi>${clip(text)}</bdi>`
}

/** Whether anything of it can be seen: a name of blanks and zero-width characters is no name. */
export function isVisible(text: string | undefined): text is string {
  return text !== undefined && /[\p{L}\p{N}\p{P}\p{S}]/u.test(text)
}

/** By code points, so that no surrogate pair is torn. */
export function clip(text: string): string {
  if (text.length <= longest) return text
  const points = Array.from(text.slice(0, 2 * longest + 2))
  return points.length <= longest ? points.join('') : `${points.slice(0, longest).join('')}…`
}
