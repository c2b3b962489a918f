import { message } from '../i18n/message.ts'
import type { HeaderLine } from '../protocol/http.ts'
import { foreign } from './foreign.ts'
import { html } from './html.ts'
import type { Html, HtmlValue } from './html.ts'
import { closedGate } from './mark.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'

export type Problem = {
  readonly status: number
  /** The wire code, for programs: `data-error`. */
  readonly error: string
  readonly title: string
  /** What happened, and what to do. */
  readonly what: HtmlValue
  readonly advice: HtmlValue
  readonly description?: string | undefined
  /** Finds the event in the audit log. */
  readonly reference?: string | undefined
  readonly clientId?: string | undefined
  /** The way on. Default: the start page. */
  readonly onward?: Html | undefined
  readonly headers?: readonly HeaderLine[]
}

/** The one shape of every page that says no: what happened, what to do, and what to tell others. */
export function problemPage(presentation: Presentation, problem: Problem): Page {
  const { language } = presentation
  const details = (
    [
      ['problem.code', problem.error],
      ['problem.description', problem.description],
      ['problem.application', problem.clientId],
    ] as const
  ).filter(([, value]) => value !== undefined)
  return page(presentation, {
    status: problem.status,
    title: problem.title,
    failed: true,
    forms: 'none',
    ...(problem.headers && { headers: problem.headers }),
    body: html`<div id="error" data-error="${problem.error}">
      ${closedGate}
      <h1>${problem.title}</h1>
      <p class="lead">${problem.what}</p>
      <p>${problem.advice}</p>
      <div class="actions">
        ${problem.onward ?? html`<a class="button second" href="/">${message(language, 'problem.home')}</a>`}
      </div>
      ${
        problem.reference !== undefined &&
        html`<p class="quiet reference">
          ${message(language, 'problem.reference')} <code>${foreign(problem.reference)}</code>
        </p>`
      }
      <details>
        <summary>${message(language, 'problem.details')}</summary>
        <dl>
          ${details.map(
            ([key, value]) =>
              html`<div>
                <dt>${message(language, key)}</dt>
                <dd><code>${foreign(value ?? '')}</code></dd>
              </div>`,
          )}
        </dl>
      </details>
    </div>`,
  })
}
