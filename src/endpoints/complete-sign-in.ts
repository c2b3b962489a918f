import { finishEnd } from '../accounts/end-session.ts'
import { findFactors } from '../accounts/find-factors.ts'
import { meetsContext } from '../domain/authentication-context.ts'
import { hasSecondFactor } from '../domain/factors.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { beginEnd } from '../domain/session-state.ts'
import { ref, remove, type Decision } from '../domain/record.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import { openSession, type OpenedSession, type Proof } from '../signin/session.ts'
import { transition } from '../store/transition.ts'
import { askSecondFactor } from './ask-second-factor.ts'
import { nameOf, settle, type Waiting } from './carried-requests.ts'
import type { Core } from './core.ts'
import { noteProgress, type Parked } from './interactions.ts'
import { withHeaders } from './presentation.ts'
import { proceed } from './proceed.ts'
import { seeOther } from './respond.ts'

export type SignIn = {
  readonly proof: Proof
  readonly pending: Waiting | undefined
  /** A path of ours, checked. Default: the account. */
  readonly next: string | undefined
  /** Its first factor is the session before, which must hold until it is replaced (L4). */
  readonly ofSession?: boolean
}

/**
 * What every way of signing in ends with. Whoever has a second factor is asked for it here, so that no way of signing in can forget
 * it; everybody else is in.
 */
export async function completeSignIn(core: Core, http: HttpRequest, about: SignIn): Promise<HttpResponse> {
  const { proof } = about
  const owed = !meetsContext('mfa', proof) && hasSecondFactor(await findFactors(core, proof.user.userId))
  return owed ? askSecondFactor(core, http, about) : admitSignIn(core, http, about)
}

/** A new session (G03) for somebody who has shown all that his account asks for, and on to where he was going. */
export async function admitSignIn(core: Core, http: HttpRequest, about: SignIn): Promise<HttpResponse> {
  const { proof, pending, next, ofSession = false } = about
  const opened = await openSession(core, http, proof)
  const advanced = await admit(core, http, { pending, previous: proof.previous, opened, ofSession })
  if (advanced === 'over') return seeOther(pending === undefined ? '/signin' : `/signin?interaction=${nameOf(pending)}`)
  const response =
    advanced === undefined
      ? seeOther(pending === undefined ? (next ?? '/account') : '/account')
      : await proceed(core, http, { pending: advanced, signedIn: opened.signedIn })
  return withHeaders(response, opened.setCookies)
}

/**
 * One commit: the new session, the note of it in the waiting request (which comes back, if it is still there), and the end of
 * the session before, whose id must not outlive the change of privilege. If that was somebody else's, the browser was taken
 * over: for who was there before, that is signing out.
 */
async function admit(
  core: Core,
  http: HttpRequest,
  about: {
    readonly pending: Waiting | undefined
    readonly previous: SignedIn | undefined
    readonly opened: OpenedSession
    readonly ofSession: boolean
  },
): Promise<Parked | 'over' | undefined> {
  const { pending, previous, opened, ofSession } = about
  const { signedIn, browserHash } = opened
  const { sessionId, session, user } = signedIn
  const progress = { sessionId, authenticatedAt: session.authTime, browserHash }
  const settled =
    pending !== undefined && 'carried' in pending ? settle(core, http, { waiting: pending, progress }) : undefined
  const parked = pending !== undefined && !('carried' in pending) ? pending : undefined
  const refs = {
    ...(previous !== undefined && { previous: ref('session', previous.sessionId) }),
    ...(parked !== undefined && { interaction: ref('interaction', parked.parked.id) }),
  }
  const takenOver = previous !== undefined && previous.user.userId !== user.userId
  const eventId = core.random.id(core.clock.millis())
  const advanced = await transition(core.transition, refs, (slots, at): Decision<Parked | 'over' | undefined> => {
    const before = slots.previous?.value
    if (ofSession && (before === undefined || before.ended !== undefined)) return { writes: [], result: 'over' }
    const end = { at, actor: user.userId, address: http.peer.address }
    const over = slots.previous === undefined || !takenOver ? [] : beginEnd(slots.previous, { end, eventId })
    const replaced = slots.previous === undefined || takenOver ? [] : remove(slots.previous)
    const noted =
      parked === undefined || slots.interaction === undefined
        ? { writes: settled === undefined ? [] : [settled.write], result: settled?.parked }
        : noteProgress(slots.interaction, parked, progress)
    return { writes: [...over, ...replaced, ...noted.writes, ...opened.writes], result: noted.result }
  })
  if (takenOver) await finishEnd(core, previous.sessionId)
  return advanced
}
