import type { EpochSeconds } from '../../protocol/time.ts'
import { message } from '../../i18n/message.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { time } from '../time.ts'
import { field } from './field.ts'
import { qrCode } from './qr-code.ts'
import type { SectionForm } from './section-form.ts'

export type NewAuthenticator = {
  /** `otpauth://…`, as apps read it from a picture. */
  readonly uri: string
  /** base32, to be typed where there is no camera. */
  readonly secret: string
  readonly wrong?: string | undefined
}

/** To set an authenticator up: the picture, the same as text, and the first code. */
export function newAuthenticatorForm({ language, action, hidden }: SectionForm, view: NewAuthenticator): Html {
  const grouped = view.secret.replace(/.{4}(?=.)/g, '$& ')
  return html`<p>${message(language, 'authenticator.scan')}</p>
    ${qrCode(view.uri, message(language, 'authenticator.picture'))}
    <details>
      <summary>${message(language, 'authenticator.byHand')}</summary>
      <dl>
        <div>
          <dt>${message(language, 'authenticator.secret')}</dt>
          <dd><code id="secret">${grouped}</code></dd>
        </div>
      </dl>
    </details>
    <form id="authenticator" method="post" action="${action}">
      ${hiddenFields(hidden)}
      ${field(language, {
        name: 'code',
        label: 'authenticator.code',
        advice: 'authenticator.codeAdvice',
        autocomplete: 'one-time-code',
        most: 16,
        wrong: view.wrong === 'code',
      })}
      <div class="actions"><button type="submit">${message(language, 'authenticator.submit')}</button></div>
    </form>`
}

/** The authenticator that there is, and the way to give it up. */
export function authenticatorCard(
  { language, action, hidden }: SectionForm,
  { createdAt }: { readonly createdAt: EpochSeconds },
): Html {
  return html`<p>${message(language, 'authenticator.on')}</p>
    <dl>
      <div>
        <dt>${message(language, 'authenticator.since')}</dt>
        <dd>${time(language, createdAt)}</dd>
      </div>
    </dl>
    <form id="remove-authenticator" method="post" action="${action}">
      ${hiddenFields(hidden)}
      <div class="actions">
        <button class="second" type="submit" name="remove" value="1">${message(language, 'authenticator.remove')}</button>
      </div>
    </form>`
}
