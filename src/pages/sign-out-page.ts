import { message } from '../i18n/message.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { personName } from './person.ts'
import type { Person } from './person.ts'
import { phrase } from './phrase.ts'
import { requesterName } from './requester.ts'
import type { Requester } from './requester.ts'

export type SignOutView = {
  readonly action: string
  readonly hidden: readonly HiddenField[]
  readonly person: Person
  /** The application that asks for it (OIDC RP-Initiated Logout). */
  readonly requester?: Pick<Requester, 'clientId' | 'name'>
  /** Where "stay signed in" leads. Default: the account page. */
  readonly stay?: string
}

/** Asks before ending a session: a link from elsewhere must not be enough. */
export function signOutPage(presentation: Presentation, view: SignOutView): Page {
  const { language } = presentation
  return page(presentation, {
    status: 200,
    title: message(language, 'signOut.title'),
    // RP-initiated logout answers with a redirect to the application's post_logout_redirect_uri.
    forms: 'client',
    body: html`<h1>${message(language, 'signOut.title')}</h1>
      ${view.requester !== undefined && html`<p class="lead">${phrase(language, 'signOut.asks', { client: requesterName(view.requester) })}</p>`}
      <p class="lead">${phrase(language, 'signOut.lead', { user: personName(view.person) })}</p>
      <p class="quiet">${message(language, 'signOut.scope')}</p>
      <form id="sign-out" method="post" action="${view.action}">
        ${hiddenFields(view.hidden)}
        <div class="actions">
          <button type="submit">${message(language, 'signOut.submit')}</button>
          <a class="button second" href="${view.stay ?? '/account'}">${message(language, 'signOut.stay')}</a>
        </div>
      </form>`,
  })
}
