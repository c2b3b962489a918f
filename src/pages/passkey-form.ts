import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import type { PlainKey } from '../i18n/messages/translation.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

/** What a browser is asked to sign (WebAuthn L3 §5.5). */
export type PasskeyRequest = {
  readonly challenge: string
  readonly rpId: string
  /** Credentials that will do; empty: whatever it has for this server. */
  readonly allow: readonly string[]
}

/** What a browser is asked to make (WebAuthn L3 §5.4). */
export type PasskeyCreation = {
  readonly challenge: string
  readonly rp: { readonly id: string; readonly name: string }
  /** `id`: base64url of the bytes that the passkey gives back at every sign-in. */
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string }
  /** Those that there are already. */
  readonly exclude: readonly string[]
  readonly algorithms: readonly number[]
}

export type PasskeyFormView = {
  readonly id: string
  readonly action: string
  readonly hidden: readonly HiddenField[]
  readonly ask: { readonly get: PasskeyRequest } | { readonly create: PasskeyCreation }
  readonly submit: PlainKey
  readonly fields?: Html
  readonly second?: boolean
}

/**
 * A form that the script of the page shows, where the browser knows passkeys, and fills: also with its hidden fields, so that a
 * program without scripts finds on a page those of the form that it can send, and no others.
 */
export function passkeyForm(language: Language, view: PasskeyFormView): Html {
  const { ask } = view
  const [kind, options] = 'get' in ask ? ['get', ask.get] : ['create', ask.create]
  return html`<form id="${view.id}" method="post" action="${view.action}" data-passkey="${kind}"
    data-options="${JSON.stringify(options)}" data-hidden="${JSON.stringify(view.hidden)}" hidden>
    ${view.fields}
    <div class="notice danger" data-problem="" role="alert" hidden>
      <p>${message(language, 'passkeys.failed')}</p>
    </div>
    <div class="actions">
      <button${view.second === true && html` class="second"`} type="submit">${message(language, view.submit)}</button>
    </div>
  </form>`
}
