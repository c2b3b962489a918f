import { message } from '../i18n/message.ts'
import { fullNameField, usernameField } from './account/name-fields.ts'
import { field } from './account/field.ts'
import { newPasswordFields } from './account/password-form.ts'
import type { SectionForm } from './account/section-form.ts'
import { foreign } from './foreign.ts'
import { hiddenFields } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { phrase } from './phrase.ts'
import type { StrengthView } from './strength-bar.ts'

// What the links in letters lead to. Each is a form: programs that follow every link of a letter must change nothing.

/** `username` can be changed: the wanted one may be taken by now. */
export function makeAccountForm(
  form: SectionForm,
  view: { readonly username: string; readonly wrong?: string | undefined },
): Html {
  const { language, action, hidden } = form
  return html`<p class="lead">${message(language, 'letterPage.register.lead')}</p>
    <form id="letter" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${usernameField(language, { value: view.username, wrong: view.wrong === 'username' })}
      ${field(language, {
        name: 'password',
        label: 'signIn.password',
        advice: 'letterPage.register.password',
        type: 'password',
        autocomplete: 'current-password',
        wrong: view.wrong === 'password',
      })}
      <div class="actions"><button type="submit">${message(language, 'letterPage.register.submit')}</button></div>
    </form>`
}

/** What an invitation leads to: a name, and a password that nobody else chose. */
export function invitationForm(
  { language, action, hidden }: SectionForm,
  view: {
    readonly host: string
    readonly username: string
    readonly fullName: string
    readonly wrong?: string | undefined
    readonly strength?: StrengthView
  },
): Html {
  const { host, username, fullName, wrong, strength } = view
  return html`<p class="lead">${phrase(language, 'letterPage.invite.lead', { host: foreign(host) })}</p>
    <form id="letter" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${usernameField(language, { value: username, wrong: wrong === 'username' })}
      ${fullNameField(language, { value: fullName, wrong: wrong === 'full_name' })}
      ${newPasswordFields(language, wrong, strength)}
      <div class="actions"><button type="submit">${message(language, 'letterPage.register.submit')}</button></div>
    </form>`
}

export function confirmEmailForm({ language, action, hidden }: SectionForm, email: string): Html {
  return html`<p class="lead">${phrase(language, 'letterPage.confirm.lead', { email: foreign(email) })}</p>
    <form id="letter" method="post" action="${action}">
      ${hiddenFields(hidden)}
      <div class="actions"><button type="submit">${message(language, 'letterPage.confirm.submit')}</button></div>
    </form>`
}

/** `username` for password managers, which file a password under a name. */
export function newPasswordForm(
  { language, action, hidden }: SectionForm,
  {
    username,
    wrong,
    strength,
  }: { readonly username: string; readonly wrong: string | undefined; readonly strength?: StrengthView },
): Html {
  return html`<p class="lead">${message(language, 'letterPage.recover.lead')}</p>
    <form id="letter" method="post" action="${action}">
      ${hiddenFields(hidden)}
      <input type="text" name="username" value="${username}" autocomplete="username" hidden>
      ${newPasswordFields(language, wrong, strength)}
      <div class="actions"><button type="submit">${message(language, 'password.submit')}</button></div>
    </form>`
}
