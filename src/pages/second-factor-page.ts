import { duration } from '../i18n/duration.ts'
import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import type { Seconds } from '../protocol/time.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { notice } from './notice.ts'
import { passkeyForm, type PasskeyRequest } from './passkey-form.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { personCard } from './person.ts'
import type { Person } from './person.ts'
import { phrase } from './phrase.ts'
import { requesterName } from './requester.ts'
import type { Requester } from './requester.ts'

export type SecondFactorProblem =
  { readonly kind: 'wrong' } | { readonly kind: 'throttled'; readonly retryAfter: Seconds }

export type SecondFactorView = {
  readonly action: string
  readonly hidden: readonly HiddenField[]
  /** Who has shown his first factor. */
  readonly person: Person
  readonly requester?: Requester
  /** Where to set one up; present: there is none to ask for. */
  readonly enrol?: string
  /** The passkeys that will do; absent: none. */
  readonly passkey?: PasskeyRequest | undefined
  readonly problem?: SecondFactorProblem | undefined
}

/** Asks for the second factor, or for setting one up. 200; 403 or 429 after a try that failed. */
export function secondFactorPage(presentation: Presentation, view: SecondFactorView): Page {
  const { language } = presentation
  const { problem, requester, enrol } = view
  return page(presentation, {
    status: problem === undefined ? 200 : { wrong: 403, throttled: 429 }[problem.kind],
    title: message(language, 'secondFactor.title'),
    failed: problem !== undefined,
    forms: 'client',
    passkeys: view.passkey !== undefined,
    headers: problem?.kind === 'throttled' ? [['retry-after', String(Math.max(1, Math.ceil(problem.retryAfter)))]] : [],
    body: html`<h1>${message(language, 'secondFactor.title')}</h1>
      ${
        requester !== undefined &&
        html`<p class="lead">${phrase(language, 'secondFactor.lead', { client: requesterName(requester) })}</p>`
      }
      ${personCard(view.person)}
      ${problem && problemNotice(language, problem)}
      ${
        view.passkey &&
        passkeyForm(language, {
          id: 'passkey',
          action: view.action,
          hidden: view.hidden,
          ask: { get: view.passkey },
          submit: 'passkeys.use',
        })
      }
      ${enrol === undefined ? codeForm(language, view) : missingForm(language, view, enrol)}`,
  })
}

/** CONTRACT: `#one-time-code` with `code`. */
function codeForm(language: Language, { action, hidden, problem }: SecondFactorView): Html {
  const described = problem === undefined ? 'code-advice' : 'code-advice problem'
  return html`<form id="one-time-code" method="post" action="${action}">
    ${hiddenFields(hidden)}
    <div class="field">
      <label for="code">${message(language, 'secondFactor.code')}</label>
      <input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="none" autocorrect="off"
        spellcheck="false" maxlength="64" aria-describedby="${described}"${
          problem?.kind === 'wrong' && html` aria-invalid="true"`
        } required autofocus>
      <p class="quiet" id="code-advice">${message(language, 'secondFactor.advice')}</p>
    </div>
    <div class="actions">
      <button type="submit">${message(language, 'secondFactor.submit')}</button>
      ${cancel(language)}
    </div>
  </form>`
}

function missingForm(language: Language, { action, hidden }: SecondFactorView, enrol: string): Html {
  return html`<p>${message(language, 'secondFactor.none')}</p>
    <form id="second-factor" method="post" action="${action}">
      ${hiddenFields(hidden)}
      <div class="actions">
        <a class="button" id="enrol" href="${enrol}">${message(language, 'secondFactor.enrol')}</a>
        ${cancel(language)}
      </div>
    </form>`
}

const cancel = (language: Language): Html =>
  html`<button class="second" type="submit" name="decision" value="cancel" formnovalidate>
    ${message(language, 'secondFactor.cancel')}
  </button>`

function problemNotice(language: Language, problem: SecondFactorProblem): Html {
  if (problem.kind === 'wrong')
    return notice({
      kind: 'danger',
      id: 'problem',
      text: message(language, 'secondFactor.wrong'),
      advice: message(language, 'secondFactor.wrongAdvice'),
    })
  const words = { duration: duration(language, problem.retryAfter) }
  return notice({
    kind: 'danger',
    id: 'problem',
    text: message(language, 'secondFactor.throttled', words),
    advice: message(language, 'secondFactor.throttledAdvice'),
  })
}
