import { eventWrite } from '../audit/event-write.ts'
import { ref, remove, type Decision } from '../domain/record.ts'
import { rootOf } from '../domain/session-state.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { endGrants, mayEnd, type Ending } from './end-grant.ts'
import { actorName } from './permit.ts'

const noSuchSession: Problem = problem('not_found', { detail: 'there is no such session' })

/** Sign a browser out from afar. Repeating it after it broke off finishes it. */
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
 * (OIDC Core §11). Whether there was anything left of it. Asks nobody: whoever calls knows that it may be.
 */
export async function signOut(context: AccountsContext, ending: Ending, sessionId: string): Promise<boolean> {
  const { actor, user, address } = ending
  const event = eventWrite(context, {
    type: 'session.ended',
    userId: user.userId,
    sessionId,
    actor: actorName(actor),
    address,
  })
  const root = await transition(
    context.transition,
    { session: ref('session', sessionId) },
    ({ session }): Decision<string | undefined> =>
      session.value?.userId === user.userId
        ? { writes: [...remove(session), event], result: rootOf(sessionId, session.value) }
        : { writes: [], result: undefined },
  )
  const grants = await endGrantsOfSession(context, ending, root ?? sessionId)
  return root !== undefined || grants > 0
}

/** `root`: the first of the sessions in a row whose grants are meant. */
export function endGrantsOfSession(context: AccountsContext, ending: Ending, root: string): Promise<number> {
  return endGrants(context, ending, {
    owner: `session:${root}`,
    which: (grant) => grant.userId === ending.user.userId && !grant.scope.includes('offline_access'),
    reason: 'session_ended',
  })
}
