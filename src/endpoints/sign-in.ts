import { PasswordPoolBusy } from '../crypto/password-pool.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { providerProblems, signInPage, type SignInProblem } from '../pages/sign-in-page.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { destinationOf } from '../signin/destination.ts'
import { bindForm } from '../signin/form-guard.ts'
import { readKnownDevices } from '../signin/known-devices.ts'
import { verifyPassword } from '../signin/password.ts'
import { completeSignIn } from './complete-sign-in.ts'
import type { Core } from './core.ts'
import { takeUp, type Parked } from './interactions.ts'
import { presentationFor, requesterOf, withHeaders } from './presentation.ts'
import { stepOf } from './proceed.ts'
import { providersFor } from './provider-links.ts'
import { purposeOf, readPageRequest, type PageRequest } from './read-page-request.ts'

/** The sign-in page: for a parked request, or for the person's own account page. */
export function createSignInPageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'signin')
    if ('status' in asked) return asked
    const { signedIn } = asked
    const pending = await pendingOf(core, http, asked)
    if (pending !== undefined && 'status' in pending) return pending
    const step = pending === undefined ? undefined : await stepOf(core, pending, signedIn)
    const fresh = step?.step === 'sign-in' && (step.reason === 'prompt' || step.reason === 'max_age')
    return show(core, http, {
      pending,
      signedIn,
      next: destinationOf(asked.parameters),
      ...(pending?.request.loginHint === undefined ? {} : { username: pending.request.loginHint }),
      again: signedIn !== undefined && (pending === undefined || fresh),
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
    const pending = await pendingOf(core, http, form)
    if (pending !== undefined && 'status' in pending) return pending

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
      core.observer.refused('signin', user, { address: http.peer.address })
      return show(core, http, {
        pending,
        signedIn: previous,
        next,
        username,
        remember: persistent,
        problem: problemOf(user),
      })
    }
    return completeSignIn(core, http, {
      proof: { user, persistent, amr: ['pwd'], acr: 'pwd', previous },
      pending,
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

async function pendingOf(
  core: Core,
  http: HttpRequest,
  { interaction }: PageRequest,
): Promise<Parked | HttpResponse | undefined> {
  return interaction === undefined ? undefined : takeUp(core, http, interaction)
}

function show(
  core: Core,
  http: HttpRequest,
  {
    pending,
    signedIn,
    next,
    ...state
  }: {
    readonly pending: Parked | undefined
    readonly signedIn: SignedIn | undefined
    readonly next: string | undefined
    readonly username?: string
    readonly remember?: boolean
    readonly again?: boolean
    readonly problem?: SignInProblem
  },
): HttpResponse {
  const id = pending?.parked.id
  const form = bindForm(core, http, { purpose: purposeOf('signin', id), signedIn })
  const view = signInPage(presentationFor(core, http, pending?.request.uiLocales), {
    action: '/signin',
    hidden: [
      form.field,
      ...(id === undefined ? [] : [{ name: 'interaction', value: id }]),
      ...(next === undefined ? [] : [{ name: 'next', value: next }]),
    ],
    ...(pending === undefined ? {} : { requester: requesterOf(pending.to.client, pending.to.target) }),
    providers: providersFor(core, { interaction: id, next }),
    ...(core.registration === 'open' ? { register: '/register' } : {}),
    ...(core.outbox === undefined ? {} : { recover: '/recover' }),
    ...state,
  })
  return withHeaders(view, form.setCookie)
}
