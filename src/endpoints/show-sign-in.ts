import type { SignedIn, Step } from '../domain/next-step.ts'
import { signInPage, type SignInProblem, type SignInView } from '../pages/sign-in-page.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Browser } from '../signin/browser.ts'
import { bindForm } from '../signin/form-guard.ts'
import { nameOf, type Waiting } from './carried-requests.ts'
import type { Core } from './core.ts'
import { passkeyRequest, passkeySignIn } from './passkey-challenge.ts'
import { presentationFor, requesterOf, withHeaders } from './presentation.ts'
import { mailCodePath } from './mail-code-path.ts'
import { providersFor, queryOf } from './provider-links.ts'
import { purposeOf } from './read-page-request.ts'

/** Whether somebody who is signed in is asked to prove himself once more. */
export function asksAfresh(step: Step): boolean {
  return step.step === 'sign-in' && (step.reason === 'prompt' || step.reason === 'max_age')
}

/** The sign-in page: for a request that waits, or for the person's own account page. */
export function showSignIn(
  core: Core,
  http: HttpRequest,
  about: {
    readonly waiting: Waiting | undefined
    readonly signedIn: SignedIn | undefined
    readonly next: string | undefined
    readonly username?: string
    readonly remember?: boolean
    readonly again?: boolean
    readonly problem?: SignInProblem
    /** The browser that the request is carried for, where it has just been made known. */
    readonly browser?: Browser
  },
): HttpResponse {
  const { waiting, signedIn, next, browser, ...state } = about
  const name = waiting === undefined ? undefined : nameOf(waiting)
  const form = bindForm(core, http, { purpose: purposeOf('signin', name), signedIn, ...(browser && { browser }) })
  const presentation = presentationFor(core, http, waiting?.request.uiLocales)
  const view = signInPage(
    name === undefined ? presentation : { ...presentation, here: `/signin?interaction=${name}` },
    {
      action: '/signin',
      hidden: [
        form.field,
        ...(name === undefined ? [] : [{ name: 'interaction', value: name }]),
        ...(next === undefined ? [] : [{ name: 'next', value: next }]),
      ],
      ...(waiting === undefined ? {} : { requester: requesterOf(waiting.to.client, waiting.to.target) }),
      passkey: passkeyOf(core, form.browser),
      providers: providersFor(core, { interaction: name, next }),
      ...(core.usersPolicy().registration === 'open' ? { register: '/register' } : {}),
      ...(core.outbox === undefined
        ? {}
        : { recover: '/recover', mailCode: `${mailCodePath}${queryOf({ interaction: name, next })}` }),
      ...state,
    },
  )
  return withHeaders(view, form.setCookie)
}

function passkeyOf(core: Core, browser: string): SignInView['passkey'] {
  const ask = passkeyRequest(core, { browser, purpose: passkeySignIn })
  return ask === undefined ? undefined : { action: '/signin/passkey', ask }
}
