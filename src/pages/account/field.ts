import { message } from '../../i18n/message.ts'
import type { Language } from '../../i18n/messages/catalogue.ts'
import type { PlainKey } from '../../i18n/messages/translation.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'

export type Field = {
  /** Name and id. */
  readonly name: string
  readonly label: PlainKey
  readonly advice?: PlainKey
  readonly value?: string
  readonly type?: 'text' | 'password' | 'email'
  readonly autocomplete: string
  readonly optional?: boolean
  readonly most?: number
  /** What was typed here is why it didn't work. */
  readonly wrong?: boolean
}

/** A labelled line to type into. */
export function field(language: Language, of: Field): Html {
  const describedBy = [of.advice === undefined ? '' : `${of.name}-advice`, of.wrong === true ? 'problem' : '']
    .filter((id) => id !== '')
    .join(' ')
  return html`<div class="field">
    <label for="${of.name}">${message(language, of.label)}</label>
    <input id="${of.name}" name="${of.name}" type="${of.type ?? 'text'}" value="${of.value ?? ''}"
      autocomplete="${of.autocomplete}" autocapitalize="none" spellcheck="false"
      maxlength="${of.most ?? 1024}"${of.optional !== true && html` required`}${
        of.wrong === true && html` aria-invalid="true"`
      }${describedBy !== '' && html` aria-describedby="${describedBy}"`}>
    ${of.advice !== undefined && html`<p class="quiet" id="${of.name}-advice">${message(language, of.advice)}</p>`}
  </div>`
}
