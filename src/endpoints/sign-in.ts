import { PasswordPoolBusy } from '../crypto/password-pool.ts'
import { finishEnd } from '../accounts/end-session.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { beginEnd } from '../domain/session-state.ts'
import { ref, remove } from '../domain/record.ts'
import { signInPage, type SignInProblem } from '../pages/sign-in-page.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { refuseRepeated } from '../protocol/parameters.ts'
import { bindForm } from '../signin/form-guard.ts'
import { readKnownDevices } from '../signin/known-devices.ts'
import { verifyPassword } from '../signin/password.ts'
import { openSession, type OpenedSession } from '../signin/session.ts'
import { transition } from '../store/transition.ts'
import type { Core } from './core.ts'
import { advance, takeUp, type Parked } from './interactions.ts'
import { presentationFor, refusalPage, requesterOf, withHeaders } from './presentation.ts'
import { proceed, stepOf } from './proceed.ts'
import { purposeOf, readPageRequest, type PageRequest } from './read-page-request.ts'
import { seeOther } from './respond.ts'

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
      ...(pending?.request.loginHint === undefined ? {} : { username: pending.request.loginHint }),
      again: signedIn !== undefined && (pending === undefined || fresh),
    })
  }
}

/** What the sign-in form sends. A wrong password shows the form again; a right one always makes a new session (G03). */
export function createSignInEndpoint(core: Core): Endpoint {
  return async (http) => {
    const form = await readPageRequest(core, http, 'signin')
    if ('status' in form) return form
    const { parameters, signedIn: previous } = form
    const repeated = refuseRepeated(parameters)
    if (repeated !== undefined) return refusalPage(core, http, 'signin', repeated)
    const pending = await pendingOf(core, http, form)
    if (pending !== undefined && 'status' in pending) return pending

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
      return show(core, http, { pending, signedIn: previous, username, remember: persistent, problem: problemOf(user) })
    }
    const opened = await openSession(core, http, { user, persistent, amr: ['pwd'], acr: 'pwd', previous })
    await replaceSession(core, http, { previous, opened })
    return withHeaders(await onward(core, http, { pending, opened }), opened.setCookies)
  }
}

async function onward(
  core: Core,
  http: HttpRequest,
  { pending, opened }: { readonly pending: Parked | undefined; readonly opened: OpenedSession },
): Promise<HttpResponse> {
  if (pending === undefined) return seeOther('/account')
  const { signedIn, browserHash } = opened
  const { sessionId, session } = signedIn
  const advanced = await advance(core, pending, { sessionId, authenticatedAt: session.authTime, browserHash })
  return advanced === undefined ? seeOther('/account') : proceed(core, http, advanced, signedIn)
}

/**
 * The session that was there before ends in the same commit: its id must not outlive the change of privilege. If it was
 * somebody else's, the browser was taken over: for who was there before, that is signing out.
 */
async function replaceSession(
  core: Core,
  http: HttpRequest,
  { previous, opened }: { readonly previous: SignedIn | undefined; readonly opened: OpenedSession },
): Promise<void> {
  const refs = { previous: ref('session', previous?.sessionId ?? 'none') }
  const { user } = opened.signedIn
  const takenOver = previous !== undefined && previous.user.userId !== user.userId
  const eventId = core.random.id(core.clock.millis())
  await transition(core.transition, refs, (slots, at) => {
    const end = { at, actor: user.userId, address: http.peer.address }
    const ended = takenOver ? beginEnd(slots.previous, { end, eventId }) : remove(slots.previous)
    return { writes: [...ended, ...opened.writes], result: undefined }
  })
  if (takenOver) await finishEnd(core, previous.sessionId)
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
    ...state
  }: {
    readonly pending: Parked | undefined
    readonly signedIn: SignedIn | undefined
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
    hidden: [form.field, ...(id === undefined ? [] : [{ name: 'interaction', value: id }])],
    ...(pending === undefined ? {} : { requester: requesterOf(pending.to.client, pending.to.target) }),
    ...state,
  })
  return withHeaders(view, form.setCookie)
}
