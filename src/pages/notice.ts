import { html } from './html.ts'
import type { Html, HtmlValue } from './html.ts'

/** Something to read before going on. `danger` is announced at once; `caution` stands where it is read in passing. */
export function notice({
  kind,
  id,
  text,
  advice,
}: {
  readonly kind: 'danger' | 'caution'
  readonly id: string
  readonly text: HtmlValue
  readonly advice: HtmlValue
}): Html {
  const role = kind === 'danger' ? html` role="alert"` : undefined
  return html`<div class="notice ${kind}" id="${id}"${role}>
    <p><strong>${text}</strong></p>
    <p>${advice}</p>
  </div>`
}
