import { message } from '../../i18n/message.ts'
import type { Language } from '../../i18n/messages/catalogue.ts'
import type { PlainKey } from '../../i18n/messages/translation.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'

export type Choice = {
  /** Name and id. */
  readonly name: string
  readonly label: PlainKey
  readonly advice?: PlainKey
  readonly options: readonly { readonly value: string; readonly text: Html | string }[]
  /** Whoever sends no choice gets the first. */
  readonly value?: string | undefined
  readonly wrong?: boolean
}

/** A labelled list to choose one thing from. */
export function choice(language: Language, { name, label, advice, options, value, wrong = false }: Choice): Html {
  const describedBy = [advice === undefined ? '' : `${name}-advice`, wrong ? 'problem' : '']
    .filter((id) => id !== '')
    .join(' ')
  return html`<div class="field">
    <label for="${name}">${message(language, label)}</label>
    <select id="${name}" name="${name}"${wrong && html` aria-invalid="true"`}${
      describedBy !== '' && html` aria-describedby="${describedBy}"`
    }>${options.map((option) => html`<option value="${option.value}"${option.value === value && html` selected`}>${option.text}</option>`)}</select>
    ${advice !== undefined && html`<p class="quiet" id="${name}-advice">${message(language, advice)}</p>`}
  </div>`
}
