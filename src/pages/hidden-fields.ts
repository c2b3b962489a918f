import { html } from './html.ts'
import type { Html } from './html.ts'

/** What a form sends back unchanged: the token that binds it to browser and interaction, and whatever else its endpoint wants. */
export type HiddenField = { readonly name: string; readonly value: string }

export function hiddenFields(fields: readonly HiddenField[]): readonly Html[] {
  return fields.map(({ name, value }) => html`<input type="hidden" name="${name}" value="${value}">`)
}
