import { message } from '../../i18n/message.ts'
import type { PlainKey } from '../../i18n/messages/translation.ts'
import { html } from '../html.ts'
import type { Html } from '../html.ts'
import { page } from '../page.ts'
import type { Page, Presentation } from '../page.ts'

export type SectionView = {
  readonly title: PlainKey
  readonly body: Html
  /** Something was done a moment ago. */
  readonly done?: PlainKey | undefined
  /** Why the last try didn't succeed. */
  readonly problem?: { readonly says: PlainKey; readonly status: number } | undefined
}

/** A page of one section of the account: what it is, how the last try went, its content, and the way back. */
export function sectionPage(presentation: Presentation, { title, body, done, problem }: SectionView): Page {
  const { language } = presentation
  return page(presentation, {
    status: problem?.status ?? 200,
    title: message(language, title),
    failed: problem !== undefined,
    forms: 'here',
    body: html`<h1>${message(language, title)}</h1>
      ${
        done !== undefined &&
        problem === undefined &&
        html`<div class="notice" id="done" role="status"><p>${message(language, done)}</p></div>`
      }
      ${
        problem !== undefined &&
        html`<div class="notice danger" id="problem" role="alert"><p>${message(language, problem.says)}</p></div>`
      }
      ${body}
      <div class="actions">
        <a class="button second" id="back" href="/account">${message(language, 'account.back')}</a>
      </div>`,
  })
}
