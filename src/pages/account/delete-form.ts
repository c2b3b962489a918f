import { message } from '../../i18n/message.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { notice } from '../notice.ts'
import { field } from './field.ts'
import type { SectionForm } from './section-form.ts'

export function deleteForm({ language, action, hidden }: SectionForm, { wrong }: { wrong?: string | undefined }): Html {
  return html`${notice({ kind: 'caution', id: 'consequence', text: message(language, 'delete.what'), advice: message(language, 'delete.forever') })}
    <form id="delete-account" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${field(language, {
        name: 'username',
        label: 'delete.username',
        autocomplete: 'off',
        most: 64,
        wrong: wrong === 'username',
      })}
      <div class="actions"><button type="submit">${message(language, 'delete.submit')}</button></div>
    </form>`
}
