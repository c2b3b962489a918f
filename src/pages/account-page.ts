import type { EpochSeconds } from '../protocol/time.ts'
import { instant } from '../i18n/instant.ts'
import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { foreign } from './foreign.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { personCard } from './person.ts'
import type { Person } from './person.ts'

export type AccountView = {
  readonly person: Person
  readonly email?: { readonly address: string; readonly verified: boolean }
  readonly session: {
    readonly signedInAt: EpochSeconds
    readonly endsAt: EpochSeconds
    /** Short form of the User-Agent. */
    readonly device: string
  }
  /** Path that asks whether to sign out. */
  readonly signOut: string
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
        <a class="button second" href="${view.signOut}">${message(language, 'account.signOut')}</a>
      </div>`,
  })
}

function time(language: Language, at: EpochSeconds): Html {
  return html`<time datetime="${new Date(at * 1000).toISOString()}">${instant(language, at)}</time>`
}
