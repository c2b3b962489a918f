import type { EpochSeconds } from '../../protocol/time.ts'
import { message } from '../../i18n/message.ts'
import { foreign } from '../foreign.ts'
import { hiddenFields } from '../hidden-fields.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { time } from '../time.ts'
import type { SectionForm } from './section-form.ts'

export type SessionItem = {
  readonly id: string
  readonly device: string
  readonly current: boolean
  readonly signedInAt: EpochSeconds
  readonly lastSeenAt: EpochSeconds
}

export function sessionList({ language, action, hidden }: SectionForm, sessions: readonly SessionItem[]): Html {
  return html`<form id="sessions" method="post" action="${action}">
    ${hiddenFields(hidden)}
    <ul class="things">
      ${sessions.map(
        (session) => html`<li data-session="${session.id}">
          <p>
            <strong>${foreign(session.device)}</strong>
            ${session.current && html`<span class="tag">${message(language, 'sessions.this')}</span>`}
          </p>
          <p class="quiet">${message(language, 'account.signedInAt')} ${time(language, session.signedInAt)}</p>
          <p class="quiet">${message(language, 'sessions.lastSeen')} ${time(language, session.lastSeenAt)}</p>
          <button class="second" type="submit" name="session_id" value="${session.id}">
            ${message(language, 'sessions.end')}
          </button>
        </li>`,
      )}
    </ul>
    ${
      sessions.some(({ current }) => !current) &&
      html`<div class="actions">
        <button type="submit" name="others" value="1">${message(language, 'sessions.endOthers')}</button>
      </div>`
    }
  </form>`
}
