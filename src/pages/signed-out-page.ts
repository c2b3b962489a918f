import { message } from '../i18n/message.ts'
import { foreign } from './foreign.ts'
import { html } from './html.ts'
import { openGate } from './mark.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { phrase } from './phrase.ts'
import { requesterText } from './requester.ts'
import type { Requester } from './requester.ts'
import { webUrl } from './web-url.ts'

export type SignedOutView = {
  /** Path that leads to signing in again. */
  readonly signIn: string
  /** The application to go back to, at an address that it registered. */
  readonly back?: Pick<Requester, 'clientId' | 'name'> & { readonly url: string }
}

export function signedOutPage(presentation: Presentation, view: SignedOutView): Page {
  const { language } = presentation
  const url = webUrl(view.back?.url)
  const back =
    view.back !== undefined &&
    url !== undefined &&
    html`<a class="button" href="${url}">${phrase(language, 'signedOut.return', { client: foreign(requesterText(view.back)) })}</a>`
  return page(presentation, {
    status: 200,
    title: message(language, 'signedOut.title'),
    forms: 'none',
    body: html`${openGate}
      <h1 id="signed-out">${message(language, 'signedOut.title')}</h1>
      <p class="lead">${message(language, 'signedOut.lead')}</p>
      <p class="quiet">${message(language, 'signedOut.advice')}</p>
      <div class="actions">
        ${back}
        <a class="button second" href="${view.signIn}">${message(language, 'signedOut.again')}</a>
      </div>`,
  })
}
