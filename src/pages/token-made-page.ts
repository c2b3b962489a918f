import { message } from '../i18n/message.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'

/** A token that was just made: the only time that anybody sees it. */
export function tokenMadePage(presentation: Presentation, token: string): Page {
  const { language } = presentation
  return page(presentation, {
    status: 200,
    title: message(language, 'tokens.title'),
    forms: 'none',
    body: html`<h1>${message(language, 'tokens.title')}</h1>
      <p class="lead">${message(language, 'tokens.made')}</p>
      <div class="field">
        <label for="token">${message(language, 'tokens.token')}</label>
        <input id="token" type="text" value="${token}" readonly spellcheck="false" autocomplete="off">
      </div>
      <p class="quiet">${message(language, 'tokens.madeAdvice')}</p>
      <div class="actions">
        <a class="button second" id="back" href="/account/tokens">${message(language, 'tokens.back')}</a>
      </div>`,
  })
}
