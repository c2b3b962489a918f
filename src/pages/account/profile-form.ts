import { message } from '../../i18n/message.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { field } from './field.ts'
import type { SectionForm } from './section-form.ts'

export type ProfileView = { readonly username: string; readonly fullName: string; readonly wrong?: string | undefined }

export function profileForm({ language, action, hidden }: SectionForm, view: ProfileView): Html {
  return html`<form id="profile" method="post" action="${action}">
    ${hiddenFields(hidden)}
    ${field(language, {
      name: 'username',
      label: 'signIn.username',
      advice: 'profile.usernameAdvice',
      value: view.username,
      autocomplete: 'username',
      most: 64,
      wrong: view.wrong === 'username',
    })}
    ${field(language, {
      name: 'full_name',
      label: 'account.fullName',
      value: view.fullName,
      autocomplete: 'name',
      optional: true,
      most: 200,
      wrong: view.wrong === 'full_name',
    })}
    <div class="actions"><button type="submit">${message(language, 'account.save')}</button></div>
  </form>`
}
