import type { Seconds } from '../protocol/time.ts'
import { duration } from '../i18n/duration.ts'
import { message } from '../i18n/message.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { hiddenFields } from './hidden-fields.ts'
import type { HiddenField } from './hidden-fields.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'
import { foreign } from './foreign.ts'
import { notice } from './notice.ts'
import { page } from './page.ts'
import type { Page, Presentation } from './page.ts'
import { passkeyForm, type PasskeyRequest } from './passkey-form.ts'
import { phrase } from './phrase.ts'
import { providerLinks } from './provider-links.ts'
import type { ProviderLink } from './provider-links.ts'
import { requesterName, returnLine } from './requester.ts'
import type { Requester } from './requester.ts'

/**
 * Why the last try didn't succeed. `wrong_credentials` is the same for an unknown username; `locked` is only for somebody who
 * has just proved the password; `throttled` and `busy` say when to come back.
 */
export type SignInProblem =
  | { readonly kind: 'wrong_credentials' }
  | { readonly kind: 'locked' }
  | { readonly kind: 'throttled'; readonly retryAfter: Seconds }
  | { readonly kind: 'busy'; readonly retryAfter: Seconds }
  /** What came of going to another server. */
  | { readonly kind: ProviderProblem; readonly provider: string }

export const providerProblems = [
  'providerDenied',
  'providerFailed',
  'providerBusy',
  'providerUnknown',
  'providerLocked',
  'providerBot',
  'providerStale',
] as const
export type ProviderProblem = (typeof providerProblems)[number]

export type SignInView = {
  /** Path that the form is posted to. */
  readonly action: string
  readonly hidden: readonly HiddenField[]
  /** Who asks; absent: the person came by himself. */
  readonly requester?: Requester
  /** `login_hint`, or what was typed before. */
  readonly username?: string
  readonly remember?: boolean
  /** Somebody is signed in and must prove himself afresh (`prompt=login`, `max_age`). */
  readonly again?: boolean
  readonly problem?: SignInProblem
  readonly providers?: readonly ProviderLink[]
  /** Absent: this server can't ask for passkeys. */
  readonly passkey?: { readonly action: string; readonly ask: PasskeyRequest } | undefined
  /** Paths for who has no account, and for who forgot his password; absent: not offered. */
  readonly register?: string
  readonly recover?: string
  /** Path that offers a code by letter. */
  readonly mailCode?: string
}

/** The sign-in form. 200, or the status of its problem: 403, 429 or 503. */
export function signInPage(presentation: Presentation, view: SignInView): Page {
  const { language } = presentation
  const { problem, requester, username = '' } = view
  const invalid =
    problem?.kind === 'wrong_credentials' ? html` aria-invalid="true" aria-describedby="problem"` : undefined
  const wait = problem !== undefined && 'retryAfter' in problem ? Math.max(1, Math.ceil(problem.retryAfter)) : undefined
  return page(presentation, {
    // A 4xx also keeps a browser from offering to save the password that was wrong.
    status:
      problem === undefined
        ? 200
        : 'provider' in problem
          ? 403
          : { wrong_credentials: 403, locked: 403, throttled: 429, busy: 503 }[problem.kind],
    title: message(language, 'signIn.title'),
    failed: problem !== undefined,
    forms: 'client',
    passkeys: view.passkey !== undefined,
    headers: wait === undefined ? [] : [['retry-after', String(wait)]],
    body: html`<h1>${message(language, 'signIn.title')}</h1>
      ${lead(language, view)}
      ${requester !== undefined && returnLine(language, requester)}
      ${problem && problemNotice(language, problem)}
      <form id="sign-in" method="post" action="${view.action}">
        ${hiddenFields(view.hidden)}
        <div class="field">
          <label for="username">${message(language, 'signIn.username')}</label>
          <input id="username" name="username" type="text" value="${username}" autocomplete="username"
            autocapitalize="none" autocorrect="off" spellcheck="false" required${invalid}${username === '' && autofocus}>
        </div>
        <div class="field">
          <label for="password">${message(language, 'signIn.password')}</label>
          <input id="password" name="password" type="password" autocomplete="current-password"
            required${invalid}${username !== '' && autofocus}>
        </div>
        <label class="tick">
          <input type="checkbox" name="remember" value="1"${view.remember === true && html` checked`}>
          <span>${message(language, 'signIn.remember')}</span>
        </label>
        <div class="actions"><button type="submit">${message(language, 'signIn.submit')}</button></div>
      </form>
      ${
        view.passkey &&
        passkeyForm(language, {
          id: 'passkey',
          action: view.passkey.action,
          hidden: view.hidden,
          ask: { get: view.passkey.ask },
          submit: 'passkeys.signIn',
          second: true,
        })
      }
      ${providerLinks(language, view.providers ?? [])}
      ${otherWays(language, view)}`,
  })
}

const autofocus = html` autofocus`

function lead(language: Language, { requester, again = false }: SignInView): Html {
  const words =
    requester === undefined
      ? message(language, again ? 'signIn.againPlain' : 'signIn.leadPlain')
      : phrase(language, again ? 'signIn.again' : 'signIn.lead', { client: requesterName(requester) })
  return html`<p class="lead">${words}</p>`
}

function otherWays(language: Language, { register, recover, mailCode }: SignInView): Html | false {
  if (register === undefined && recover === undefined && mailCode === undefined) return false
  return html`<p class="links">
    ${mailCode !== undefined && html`<a id="mail-code-link" href="${mailCode}">${message(language, 'mailCode.title')}</a>`}
    ${recover !== undefined && html`<a id="recover-link" href="${recover}">${message(language, 'recover.title')}</a>`}
    ${register !== undefined && html`<a id="register-link" href="${register}">${message(language, 'register.title')}</a>`}
  </p>`
}

function problemNotice(language: Language, problem: SignInProblem): Html {
  if ('retryAfter' in problem) {
    const words = message(language, `signIn.${problem.kind}`, { duration: duration(language, problem.retryAfter) })
    return notice({
      kind: 'danger',
      id: 'problem',
      text: words,
      advice: message(language, `signIn.${problem.kind}Advice`),
    })
  }
  if ('provider' in problem) {
    const names = { provider: foreign(problem.provider) }
    return notice({
      kind: 'danger',
      id: 'problem',
      text: phrase(language, `signIn.${problem.kind}`, names),
      advice: adviceOf(language, problem.kind, names),
    })
  }
  const words = problem.kind === 'locked' ? 'locked' : 'wrong'
  return notice({
    kind: 'danger',
    id: 'problem',
    text: message(language, `signIn.${words}`),
    advice: message(language, `signIn.${words}Advice`),
  })
}

function adviceOf(language: Language, kind: ProviderProblem, names: { readonly provider: Html }): Html | string {
  if (kind === 'providerUnknown') return phrase(language, 'signIn.providerUnknownAdvice', names)
  return message(language, `signIn.${kind}Advice`)
}
