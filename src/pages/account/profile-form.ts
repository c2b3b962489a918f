import { message } from '../../i18n/message.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { fullNameField, usernameField } from './name-fields.ts'
import type { SectionForm } from './section-form.ts'

export type ProfileView = { readonly username: string; readonly fullName: string; readonly wrong?: string | undefined }

export function profileForm({ language, action, hidden }: SectionForm, view: ProfileView): Html {
  return html`<form id="profile" method="post" action="${action}">
    ${hiddenFields(hidden)}
    ${usernameField(language, { value: view.username, wrong: view.wrong === 'username', advice: 'profile.usernameAdvice' })}
    ${fullNameField(language, { value: view.fullName, wrong: view.wrong === 'full_name' })}
    <div class="actions"><button type="submit">${message(language, 'account.save')}</button></div>
  </form>`
}
