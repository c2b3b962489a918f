import { message } from '../i18n/message.ts'
import { field } from './account/field.ts'
import { fullNameField, usernameField } from './account/name-fields.ts'
import { newPasswordFields } from './account/password-form.ts'
import type { SectionForm } from './account/section-form.ts'
import { hiddenFields } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import type { StrengthView } from './strength-bar.ts'

export type RegisterView = {
  readonly username: string
  readonly fullName: string
  readonly email: string
  /** Whether the account is made by a letter, so that there must be an address. */
  readonly byLetter: boolean
  readonly wrong?: string | undefined
  readonly strength?: StrengthView
}

export function registerForm({ language, action, hidden }: SectionForm, view: RegisterView): Html {
  return html`<form id="register" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${usernameField(language, { value: view.username, wrong: view.wrong === 'username' })}
      ${fullNameField(language, { value: view.fullName, wrong: view.wrong === 'full_name' })}
      ${field(language, {
        name: 'email',
        label: 'email.title',
        ...(view.byLetter ? { advice: 'register.emailAdvice' } : { optional: true }),
        value: view.email,
        type: 'email',
        autocomplete: 'email',
        most: 254,
        wrong: view.wrong === 'email',
      })}
      ${newPasswordFields(language, view.wrong, view.strength)}
      <div class="actions"><button type="submit">${message(language, 'register.submit')}</button></div>
    </form>`
}
