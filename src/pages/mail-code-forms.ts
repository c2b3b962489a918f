import { message } from '../i18n/message.ts'
import { field } from './account/field.ts'
import type { SectionForm } from './account/section-form.ts'
import { hiddenFields } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

/** Who wants a code. The answer is the same for every name (H02). */
export function askCodeForm({ language, action, hidden }: SectionForm): Html {
  return html`<p class="lead">${message(language, 'mailCode.lead')}</p>
    <form id="mail-code" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${field(language, { name: 'account', label: 'recover.asked', autocomplete: 'username', most: 254 })}
      <div class="actions"><button type="submit">${message(language, 'mailCode.ask')}</button></div>
    </form>`
}

export function typeCodeForm({ language, action, hidden }: SectionForm, { wrong }: { readonly wrong: boolean }): Html {
  return html`<p class="lead">${message(language, 'mailCode.sent')}</p>
    <form id="one-time-code" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${field(language, {
        name: 'code',
        label: 'mailCode.code',
        advice: 'mailCode.advice',
        autocomplete: 'one-time-code',
        most: 16,
        wrong,
      })}
      <label class="tick">
        <input type="checkbox" name="remember" value="1">
        <span>${message(language, 'signIn.remember')}</span>
      </label>
      <div class="actions"><button type="submit">${message(language, 'signIn.submit')}</button></div>
    </form>`
}
