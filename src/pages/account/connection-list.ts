import type { EpochSeconds } from '../../protocol/time.ts'
import { message } from '../../i18n/message.ts'
import { foreign } from '../foreign.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { phrase } from '../phrase.ts'
import { time } from '../time.ts'
import type { SectionForm } from './section-form.ts'

/** Another service whose tokens are kept. */
export type ConnectionItem = {
  readonly id: string
  /** What the provider is called, who the person is there, and which application uses it. */
  readonly provider: string
  readonly account: string
  readonly client: string | undefined
  readonly isBroken: boolean
  readonly createdAt: EpochSeconds
}

export function connectionList(
  { language, action, hidden }: SectionForm,
  connections: readonly ConnectionItem[],
): Html {
  return html`<form id="connections" method="post" action="${action}">
    ${hiddenFields(hidden)}
    ${connections.length === 0 && html`<p class="quiet">${message(language, 'connections.none')}</p>`}
    <ul class="things">
      ${connections.map(
        (one) => html`<li data-connection="${one.id}">
          <p><strong>${foreign(one.provider)}</strong></p>
          ${one.account !== '' && html`<p class="quiet">${phrase(language, 'connections.account', { account: foreign(one.account) })}</p>`}
          ${one.client !== undefined && html`<p class="quiet">${message(language, 'connections.for')} ${foreign(one.client)}</p>`}
          <p class="quiet">${message(language, 'connections.since')} ${time(language, one.createdAt)}</p>
          ${one.isBroken && html`<p>${message(language, 'connections.broken')}</p>`}
          ${
            one.isBroken &&
            html`<button type="submit" name="renew" value="${one.id}">
              ${message(language, 'connections.renew')}
            </button>`
          }
          <button class="second" type="submit" name="connection_id" value="${one.id}">
            ${message(language, 'connections.end')}
          </button>
        </li>`,
      )}
    </ul>
  </form>`
}
