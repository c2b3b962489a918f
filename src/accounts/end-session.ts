import { ref, remove, type Decision } from '../domain/record.ts'
import type { Session } from '../domain/session.ts'
import { beginEnd, endingSessions, rootOf } from '../domain/session-state.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { listAll } from '../store/list-all.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { endGrants, mayEnd, type Ending } from './end-grant.ts'
import { actorName } from './permit.ts'

const noSuchSession: Problem = problem('not_found', { detail: 'there is no such session' })

/** Sign a browser out from afar. */
export async function endSession(
  context: AccountsContext,
  ending: Ending,
  sessionId: string,
): Promise<Outcome<{ readonly sessionId: string }>> {
  const refused = mayEnd(ending)
  if (refused !== undefined) return { refused }
  return (await signOut(context, ending, sessionId)) ? { done: { sessionId } } : { refused: noSuchSession }
}

/**
 * A session goes, and with it every grant that was to live no longer than it, which is all without `offline_access`
 * (OIDC Core §11). Whether there was such a session. Asks nobody: whoever calls knows that it may be.
 */
export async function signOut(context: AccountsContext, ending: Ending, sessionId: string): Promise<boolean> {
  const { actor, user, address } = ending
  const eventId = context.random.id(context.clock.millis())
  const there = await transition(
    context.transition,
    { session: ref('session', sessionId) },
    ({ session }, at): Decision<boolean> => {
      if (session.value?.userId !== user.userId) return { writes: [], result: false }
      const end = { at, actor: actorName(actor), address }
      return { writes: beginEnd(session, { end, eventId }), result: true }
    },
  )
  if (there) await finishEnd(context, sessionId)
  return there
}

/** End the grants of a session that is over, then forget it. Repeating it after it broke off finishes it. */
export async function finishEnd(context: AccountsContext, sessionId: string): Promise<void> {
  const session = await readAlive(context.transition.store, ref('session', sessionId), context.clock.seconds())
  if (session?.ended === undefined) return
  await endGrantsOf(context, sessionId, { ...session, ended: session.ended })
  await transition(context.transition, { session: ref('session', sessionId) }, (slots) => ({
    writes: remove(slots.session),
    result: undefined,
  }))
}

/** Whatever a crash left half done. */
export async function finishEnds(context: AccountsContext): Promise<void> {
  for await (const { id } of listAll(context.transition.store, 'session', endingSessions)) await finishEnd(context, id)
}

async function endGrantsOf(
  context: AccountsContext,
  sessionId: string,
  session: Session & Required<Pick<Session, 'ended'>>,
): Promise<void> {
  await endGrants(context, `session:${rootOf(sessionId, session)}`, {
    userId: session.userId,
    which: (grant) => !grant.scope.includes('offline_access'),
    actor: session.ended.actor,
    address: session.ended.address,
    reason: 'session_ended',
  })
}
