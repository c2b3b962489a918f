import { message } from '../i18n/message.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'

/** The same for every name and address, whether a letter was written or not (H02). */
export function letterSentPage(presentation: Presentation): Page {
  const { language } = presentation
  return page(presentation, {
    status: 200,
    title: message(language, 'register.sent.title'),
    forms: 'none',
    body: html`<h1 id="letter-sent">${message(language, 'register.sent.title')}</h1>
      <p class="lead">${message(language, 'register.sent.what')}</p>
      <p class="quiet">${message(language, 'register.sent.advice')}</p>
      <div class="actions"><a class="button second" href="/signin">${message(language, 'signIn.title')}</a></div>`,
  })
}
