import { message } from '../../i18n/message.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { strengthBar, type StrengthView } from '../strength-bar.ts'
import { field } from './field.ts'
import type { SectionForm } from './section-form.ts'

export type PasswordView = {
  /** For password managers, which file a password under a name. */
  readonly username: string
  /** Whether there is a password to be asked for. */
  readonly hasPassword: boolean
  /** Whether the sign-in stands in for it. */
  readonly justSignedIn: boolean
  readonly wrong?: string | undefined
  readonly strength?: StrengthView
}

export function passwordForm({ language, action, hidden }: SectionForm, view: PasswordView): Html {
  return html`<p class="quiet">${message(language, 'password.consequence')}</p>
    <form id="password-change" method="post" action="${action}">
      ${hiddenFields(hidden)}
      <input type="text" name="username" value="${view.username}" autocomplete="username" hidden>
      ${view.hasPassword && (view.justSignedIn ? unasked(language) : currentPassword(language, view.wrong))}
      ${newPasswordFields(language, view.wrong, view.strength)}
      <div class="actions"><button type="submit">${message(language, 'password.submit')}</button></div>
    </form>`
}

function unasked(language: SectionForm['language']): Html {
  return html`<p class="quiet">${message(language, 'password.justSignedIn')}</p>`
}

/** Whoever forgot it has another way: by a passkey, say. */
function currentPassword(language: SectionForm['language'], wrong: string | undefined): readonly Html[] {
  return [
    field(language, {
      name: 'current_password',
      label: 'password.current',
      type: 'password',
      autocomplete: 'current-password',
      wrong: wrong === 'current_password',
    }),
    html`<p><a id="sign-in-again" href="/signin?next=/account/password">${message(language, 'password.signInAgain')}</a></p>`,
  ]
}

/** A new password, typed twice: nobody sees what he types. */
export function newPasswordFields(
  language: SectionForm['language'],
  wrong: string | undefined,
  strength: StrengthView,
): readonly Html[] {
  return [
    field(language, {
      name: 'new_password',
      label: 'password.new',
      advice: 'password.advice',
      type: 'password',
      autocomplete: 'new-password',
      wrong: wrong === 'new_password',
    }),
    strengthBar(language, strength),
    field(language, {
      name: 'repeat_password',
      label: 'password.repeat',
      type: 'password',
      autocomplete: 'new-password',
      wrong: wrong === 'repeat_password',
    }),
  ]
}
