import type { EpochSeconds } from '../../protocol/time.ts'
import { message } from '../../i18n/message.ts'
import { foreign } from '../foreign.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { passkeyForm, type PasskeyCreation } from '../passkey-form.ts'
import { time } from '../time.ts'
import { field } from './field.ts'
import type { SectionForm } from './section-form.ts'

export type PasskeyItem = {
  readonly id: string
  readonly name: string
  readonly createdAt: EpochSeconds
  readonly lastUsedAt?: EpochSeconds | undefined
}

export type PasskeyListView = {
  readonly passkeys: readonly PasskeyItem[]
  readonly creation: PasskeyCreation | undefined
}

/** The passkeys that there are, and one more. */
export function passkeyList(form: SectionForm, { passkeys, creation }: PasskeyListView): Html {
  const { language, action, hidden } = form
  return html`<p>${message(language, 'passkeys.what')}</p>
    ${
      passkeys.length > 0 &&
      html`<form id="passkeys" method="post" action="${action}">
        ${hiddenFields(hidden)}
        <ul class="things">
          ${passkeys.map((passkey) => item(form, passkey))}
        </ul>
      </form>`
    }
    <noscript><p class="quiet">${message(language, 'passkeys.script')}</p></noscript>
    ${
      creation !== undefined &&
      passkeyForm(language, {
        id: 'add-passkey',
        action,
        hidden,
        ask: { create: creation },
        submit: 'passkeys.add',
        fields: field(language, {
          name: 'name',
          label: 'passkeys.name',
          advice: 'passkeys.nameAdvice',
          autocomplete: 'off',
          most: 64,
        }),
      })
    }`
}

function item({ language }: SectionForm, { id, name, createdAt, lastUsedAt }: PasskeyItem): Html {
  return html`<li>
    <p><strong>${foreign(name)}</strong></p>
    <p class="quiet">${message(language, 'authenticator.since')} ${time(language, createdAt)}</p>
    ${
      lastUsedAt !== undefined &&
      html`<p class="quiet">${message(language, 'sessions.lastSeen')} ${time(language, lastUsedAt)}</p>`
    }
    <button class="second" type="submit" name="remove" value="${id}">${message(language, 'authenticator.remove')}</button>
  </li>`
}
