import type { EpochSeconds } from '../../protocol/time.ts'
import { message } from '../../i18n/message.ts'
import { foreign } from '../foreign.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { scopeWords } from '../scope-words.ts'
import { time } from '../time.ts'
import type { SectionForm } from './section-form.ts'

/** What an application may do, until withdrawn. */
export type ConsentItem = {
  readonly clientId: string
  readonly name: string
  readonly scope: readonly string[]
  readonly givenAt: EpochSeconds
}

/** An application at work on one device: where a refresh token is. */
export type GrantItem = {
  readonly id: string
  readonly name: string
  readonly device: string | undefined
  readonly lastUsedAt: EpochSeconds
}

export type AccessView = { readonly consents: readonly ConsentItem[]; readonly grants: readonly GrantItem[] }

export function accessList({ language, action, hidden }: SectionForm, { consents, grants }: AccessView): Html {
  return html`<form id="access" method="post" action="${action}">
    ${hiddenFields(hidden)}
    <h2>${message(language, 'access.consents')}</h2>
    ${consents.length === 0 && html`<p class="quiet">${message(language, 'access.noConsents')}</p>`}
    <ul class="things">
      ${consents.map(
        (consent) => html`<li data-client="${consent.clientId}">
          <p><strong>${foreign(consent.name)}</strong></p>
          <ul class="quiet">
            ${consent.scope.map((scope) => html`<li>${foreign(scopeWords(language, { scope }).title)}</li>`)}
          </ul>
          <p class="quiet">${message(language, 'access.since')} ${time(language, consent.givenAt)}</p>
          <button class="second" type="submit" name="client_id" value="${consent.clientId}">
            ${message(language, 'access.withdraw')}
          </button>
        </li>`,
      )}
    </ul>
    <h2>${message(language, 'access.grants')}</h2>
    ${grants.length === 0 && html`<p class="quiet">${message(language, 'access.noGrants')}</p>`}
    <ul class="things">
      ${grants.map(
        (grant) => html`<li data-grant="${grant.id}">
          <p><strong>${foreign(grant.name)}</strong></p>
          ${grant.device !== undefined && html`<p class="quiet">${foreign(grant.device)}</p>`}
          <p class="quiet">${message(language, 'access.lastUsed')} ${time(language, grant.lastUsedAt)}</p>
          <button class="second" type="submit" name="grant_id" value="${grant.id}">
            ${message(language, 'access.end')}
          </button>
        </li>`,
      )}
    </ul>
  </form>`
}
