import { message } from '../i18n/message.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html, verbatim } from './html.ts'
import { submitScript } from './look.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { phrase } from './phrase.ts'
import { redirectPlace, requesterName } from './requester.ts'
import type { Requester } from './requester.ts'

export type FormPostView = {
  readonly requester: Requester
  /** The authorization response: `code` or `error`, `state`, `iss`, …, in order. Octets survive as they are. */
  readonly parameters: readonly HiddenField[]
}

/**
 * OAuth 2.0 Form Post Response Mode §2. The redirect URI must be http(s), which the authorize endpoint sees to: a private-use scheme
 * can't take a form, and here it throws. The script runs before the page has finished loading, so the browser replaces this page in
 * its history and "back" doesn't send a used code again.
 */
export function formPostPage(presentation: Presentation, view: FormPostView): Page {
  const { language, look } = presentation
  const { requester } = view
  const place = redirectPlace(language, requester.redirectUri)
  return page(presentation, {
    status: 200,
    title: message(language, 'formPost.submit'),
    forms: 'client',
    script: { element: verbatim(`<script>${submitScript}</script>`), hash: look.submitScriptHash },
    body: html`<h1>${phrase(language, 'formPost.title', { place })}</h1>
      <p class="lead">${phrase(language, 'formPost.lead', { client: requesterName(requester) })}</p>
      <p class="quiet">${message(language, 'formPost.advice')}</p>
      <form id="form-post" method="post" action="${requester.redirectUri}">
        ${hiddenFields(view.parameters)}
        <div class="actions"><button type="submit">${message(language, 'formPost.submit')}</button></div>
      </form>`,
  })
}
