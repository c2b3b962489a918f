import { message } from '../i18n/message.ts'
import { field } from './account/field.ts'
import type { SectionForm } from './account/section-form.ts'
import { hiddenFields } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

export function recoverForm({ language, action, hidden }: SectionForm): Html {
  return html`<p class="lead">${message(language, 'recover.lead')}</p>
    <form id="recover" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${field(language, { name: 'account', label: 'recover.asked', autocomplete: 'username', most: 254 })}
      <div class="actions"><button type="submit">${message(language, 'recover.submit')}</button></div>
    </form>`
}
