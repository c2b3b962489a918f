import { message } from '../i18n/message.ts'
import { foreign } from './foreign.ts'
import { html } from './html.ts'
import type { Page, Presentation } from './page.ts'
import { phrase } from './phrase.ts'
import { problemPage } from './problem-page.ts'
import { requesterText } from './requester.ts'
import type { Requester } from './requester.ts'
import { webUrl } from './web-url.ts'

export type StaleInteractionView = {
  /** 400 where it has ended, 403 where it belongs to another browser: the words are the same, so that neither tells on the other. */
  readonly status: 400 | 403
  readonly reference?: string
  /** The application to start again from, if this browser may know it. */
  readonly back?: Pick<Requester, 'clientId' | 'name'> & { readonly url: string }
}

/** A sign-in that has ended, or that was begun in another browser (a shared consent link must not work). */
export function staleInteractionPage(presentation: Presentation, view: StaleInteractionView): Page {
  const { language } = presentation
  const url = webUrl(view.back?.url)
  return problemPage(presentation, {
    status: view.status,
    error: 'interaction_expired',
    reference: view.reference,
    title: message(language, 'stale.title'),
    what: message(language, 'stale.what'),
    advice: message(language, 'stale.advice'),
    onward:
      view.back !== undefined && url !== undefined
        ? html`<a class="button" href="${url}"
            >${phrase(language, 'stale.return', { client: foreign(requesterText(view.back)) })}</a
          >`
        : undefined,
  })
}
