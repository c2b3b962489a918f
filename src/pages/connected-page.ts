import { message } from '../i18n/message.ts'
import { foreign } from './foreign.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { phrase } from './phrase.ts'

/** `anotherAccount`: the connection that was to be renewed is another account's there. */
export type ConnectOutcome = 'connected' | 'denied' | 'anotherAccount'

export type ConnectedView = {
  readonly provider: string
  readonly outcome: ConnectOutcome
  /** For whoever started, who was somewhere else than this browser. */
  readonly confirmationCode: string | undefined
}

/** The last page of a connection: what became of it, and the code to carry back, if one is wanted. */
export function connectedPage(presentation: Presentation, view: ConnectedView): Page {
  const { language } = presentation
  const { outcome, confirmationCode } = view
  const provider = foreign(view.provider)
  return page(presentation, {
    status: 200,
    title: message(language, `${outcome}.title`),
    forms: 'none',
    body: html`<div id="${outcome === 'anotherAccount' ? 'another_account' : outcome}"><h1>${message(language, `${outcome}.title`)}</h1>
      <p class="lead">${phrase(language, `${outcome}.lead`, { provider })}</p>
      ${
        confirmationCode !== undefined &&
        html`<p>${message(language, 'connected.elsewhere')}</p>
          <p><code id="confirmation_code">${confirmationCode}</code></p>
          <p class="quiet">${message(language, 'connected.elsewhereAdvice')}</p>`
      }
      <p class="quiet">${message(language, 'connected.close')}</p></div>`,
  })
}
