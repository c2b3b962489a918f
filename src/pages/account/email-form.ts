import { message } from '../../i18n/message.ts'
import { foreign } from '../foreign.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { field } from './field.ts'
import type { SectionForm } from './section-form.ts'

export type EmailView = {
  readonly now: string | undefined
  readonly verified: boolean
  readonly wrong?: string | undefined
}

export function emailForm({ language, action, hidden }: SectionForm, { now, verified, wrong }: EmailView): Html {
  return html`<dl>
      <div>
        <dt>${message(language, 'email.now')}</dt>
        <dd>
          ${now === undefined ? message(language, 'email.none') : foreign(now)}
          ${now !== undefined && !verified && html`<span class="tag">${message(language, 'account.emailUnconfirmed')}</span>`}
        </dd>
      </div>
    </dl>
    <form id="email-change" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${field(language, {
        name: 'email',
        label: 'email.title',
        advice: 'email.advice',
        type: 'email',
        autocomplete: 'email',
        most: 254,
        wrong: wrong === 'email',
      })}
      <div class="actions"><button type="submit">${message(language, 'email.submit')}</button></div>
    </form>`
}
