import type { EpochSeconds } from '../protocol/time.ts'
import { message } from '../i18n/message.ts'
import type { PlainKey } from '../i18n/messages/translation.ts'
import { foreign } from './foreign.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { personCard } from './person.ts'
import type { Person } from './person.ts'
import { time } from './time.ts'

export type AccountView = {
  readonly person: Person
  readonly email?: { readonly address: string; readonly verified: boolean }
  readonly session: {
    readonly signedInAt: EpochSeconds
    readonly endsAt: EpochSeconds
    /** Short form of the User-Agent. */
    readonly device: string
  }
  /** What can be done about the account, each on a page of its own. */
  readonly sections: readonly { readonly path: string; readonly title: PlainKey; readonly summary: PlainKey }[]
  /** Path that asks whether to sign out. */
  readonly signOut: string
  /** Path of the accounts elsewhere; absent: this server has no providers. */
  readonly identities?: string
}

/** Who is signed in here, since when, and the way out. */
export function accountPage(presentation: Presentation, view: AccountView): Page {
  const { language } = presentation
  const { email, session } = view
  return page(presentation, {
    status: 200,
    title: message(language, 'account.title'),
    forms: 'none',
    body: html`<h1>${message(language, 'account.title')}</h1>
      ${personCard(view.person)}
      ${
        email !== undefined &&
        html`<dl>
          <div>
            <dt>${message(language, 'account.email')}</dt>
            <dd>
              ${foreign(email.address)}
              ${!email.verified && html`<span class="tag">${message(language, 'account.emailUnconfirmed')}</span>`}
            </dd>
          </div>
        </dl>`
      }
      <h2 id="manage">${message(language, 'account.manage')}</h2>
      <nav aria-labelledby="manage">
        <ul class="sections">
          ${view.sections.map(
            ({ path, title, summary }) => html`<li>
              <a href="${path}"><strong>${message(language, title)}</strong>
                <small>${message(language, summary)}</small></a>
            </li>`,
          )}
        </ul>
      </nav>
      <h2>${message(language, 'account.session')}</h2>
      <dl>
        <div>
          <dt>${message(language, 'account.signedInAt')}</dt>
          <dd>${time(language, session.signedInAt)}</dd>
        </div>
        <div>
          <dt>${message(language, 'account.endsAt')}</dt>
          <dd>${time(language, session.endsAt)}</dd>
        </div>
        <div>
          <dt>${message(language, 'account.device')}</dt>
          <dd>${foreign(session.device)}</dd>
        </div>
      </dl>
      <div class="actions">
        ${view.identities !== undefined && html`<a class="button second" href="${view.identities}">${message(language, 'account.identities')}</a>`}
        <a class="button second" href="${view.signOut}">${message(language, 'account.signOut')}</a>
      </div>`,
  })
}
