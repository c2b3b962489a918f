import { finishEnd } from '../accounts/end-session.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { beginEnd } from '../domain/session-state.ts'
import { ref, remove } from '../domain/record.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import { openSession, type OpenedSession, type Proof } from '../signin/session.ts'
import { transition } from '../store/transition.ts'
import type { Core } from './core.ts'
import { advance, type Parked } from './interactions.ts'
import { withHeaders } from './presentation.ts'
import { proceed } from './proceed.ts'
import { seeOther } from './respond.ts'

/** What every way of signing in ends with: a new session (G03), and on to where the person was going. */
export async function completeSignIn(
  core: Core,
  http: HttpRequest,
  about: {
    readonly proof: Proof
    readonly pending: Parked | undefined
    /** A path of ours, checked. Default: the account. */
    readonly next: string | undefined
  },
): Promise<HttpResponse> {
  const { proof, pending, next } = about
  const opened = await openSession(core, http, proof)
  await replaceSession(core, http, { previous: proof.previous, opened })
  const response = pending === undefined ? seeOther(next ?? '/account') : await onward(core, http, { pending, opened })
  return withHeaders(response, opened.setCookies)
}

async function onward(
  core: Core,
  http: HttpRequest,
  { pending, opened }: { readonly pending: Parked; readonly opened: OpenedSession },
): Promise<HttpResponse> {
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
