import { PasswordPoolBusy } from '../crypto/password-pool.ts'
import { providerProblems, type SignInProblem } from '../pages/sign-in-page.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { destinationOf } from '../signin/destination.ts'
import { readKnownDevices } from '../signin/known-devices.ts'
import { verifyPassword } from '../signin/password.ts'
import { takeUpToSignIn, type Waiting } from './carried-requests.ts'
import { completeSignIn } from './complete-sign-in.ts'
import type { Core } from './core.ts'
import { refusalPage } from './presentation.ts'
import { stepOf } from './proceed.ts'
import { readPageRequest, type PageRequest } from './read-page-request.ts'
import { asksAfresh, showSignIn } from './show-sign-in.ts'

/** The sign-in page: for a parked request, or for the person's own account page. */
export function createSignInPageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'signin')
    if ('status' in asked) return asked
    const { signedIn } = asked
    const waiting = await waitingOf(core, http, asked)
    if (waiting !== undefined && 'status' in waiting) return waiting
    const step = waiting === undefined ? undefined : await stepOf(core, { pending: waiting, signedIn })
    return showSignIn(core, http, {
      waiting,
      signedIn,
      next: destinationOf(asked.parameters),
      ...(waiting?.request.loginHint === undefined ? {} : { username: waiting.request.loginHint }),
      again: signedIn !== undefined && (step === undefined || asksAfresh(step)),
      ...providerProblem(core, asked),
    })
  }
}

/** What the sign-in form sends. A wrong password shows the form again; a right one always makes a new session (G03). */
export function createSignInEndpoint(core: Core): Endpoint {
  return async (http) => {
    const form = await readPageRequest(core, http, 'signin')
    if ('status' in form) return form
    const { parameters, signedIn: previous } = form
    const waiting = await waitingOf(core, http, form)
    if (waiting !== undefined && 'status' in waiting) return waiting

    const next = destinationOf(parameters)
    const username = parameters.get('username') ?? ''
    const persistent = parameters.get('remember') !== undefined
    const devices = readKnownDevices(core, http)
    const attempt = { username, password: parameters.get('password') ?? '', address: http.peer.address, devices }
    const user = await verifyPassword(core, attempt).catch((error: unknown) => {
      if (error instanceof PasswordPoolBusy) return refuse('temporarily_unavailable', 'overloaded')
      throw error
    })
    if (isRefusal(user)) {
      if (user.error === 'invalid_request') return refusalPage(core, http, { endpoint: 'signin', refusal: user })
      core.observer.refused('signin', user, { address: http.peer.address })
      return showSignIn(core, http, {
        waiting,
        signedIn: previous,
        next,
        username,
        remember: persistent,
        problem: problemOf(user),
      })
    }
    return completeSignIn(core, http, {
      proof: { user, persistent, amr: ['pwd'], acr: 'pwd', previous },
      pending: waiting,
      next,
    })
  }
}

/** What the callback of a provider says when nobody is signed in by it: in closed words, so that a link can't put others in our mouth. */
function providerProblem(core: Core, { parameters }: PageRequest): { readonly problem?: SignInProblem } {
  const provider = core.upstream.providers.get(parameters.get('provider') ?? '')
  const kind = providerProblems.find((known) => known === parameters.get('problem'))
  return provider === undefined || kind === undefined ? {} : { problem: { kind, provider: provider.title } }
}

function problemOf(refusal: Refusal): SignInProblem {
  if (refusal.reason === 'overloaded') return { kind: 'busy', retryAfter: 2 }
  if (refusal.retryAfter !== undefined) return { kind: 'throttled', retryAfter: refusal.retryAfter }
  return { kind: refusal.reason === 'user_locked' ? 'locked' : 'wrong_credentials' }
}

async function waitingOf(
  core: Core,
  http: HttpRequest,
  { interaction }: PageRequest,
): Promise<Waiting | HttpResponse | undefined> {
  return interaction === undefined ? undefined : takeUpToSignIn(core, http, interaction)
}
