import { message } from '../i18n/message.ts'
import { foreign } from './foreign.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { personName } from './person.ts'
import type { Person } from './person.ts'
import { phrase } from './phrase.ts'

export type HomeView = {
  readonly issuer: string
  /** Who is signed in in this browser. */
  readonly person?: Person
  readonly signIn: string
  readonly account: string
  /** Paths of the discovery document and of the JWK set. */
  readonly metadata: string
  readonly keys: string
}

/** What this server is, for whoever types its address. */
export function homePage(presentation: Presentation, view: HomeView): Page {
  const { language } = presentation
  const host = URL.parse(view.issuer)?.host ?? view.issuer
  return page(presentation, {
    status: 200,
    title: message(language, 'home.title', { host }),
    forms: 'none',
    body: html`<h1>${phrase(language, 'home.title', { host: foreign(host) })}</h1>
      <p class="lead">${message(language, 'home.lead')}</p>
      ${view.person !== undefined && html`<p>${phrase(language, 'home.signedIn', { user: personName(view.person) })}</p>`}
      <div class="actions">
        ${
          view.person === undefined
            ? html`<a class="button" href="${view.signIn}">${message(language, 'home.signIn')}</a>`
            : html`<a class="button" href="${view.account}">${message(language, 'home.account')}</a>`
        }
      </div>
      <details>
        <summary>${message(language, 'home.developers')}</summary>
        <dl>
          <div>
            <dt>${message(language, 'home.issuer')}</dt>
            <dd><code>${view.issuer}</code></dd>
          </div>
          <div>
            <dt>${message(language, 'home.metadata')}</dt>
            <dd>
              <a href="${view.metadata}"><code>${view.metadata}</code></a>
            </dd>
          </div>
          <div>
            <dt>${message(language, 'home.keys')}</dt>
            <dd>
              <a href="${view.keys}"><code>${view.keys}</code></a>
            </dd>
          </div>
        </dl>
      </details>`,
  })
}
