import { eventWrite } from '../audit/event-write.ts'
import { ref, remove, type Decision } from '../domain/record.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { endGrants, mayEnd, type Ending } from './end-grant.ts'
import { actorName } from './permit.ts'

const noSuchSession: Problem = problem('not_found', { detail: 'there is no such session' })

/**
 * Sign a browser out from afar: its session goes, and with it every grant that was to live no longer than it, which is all
 * without `offline_access` (OIDC Core §11).
 */
export async function endSession(
  context: AccountsContext,
  ending: Ending,
  sessionId: string,
): Promise<Outcome<{ readonly sessionId: string }>> {
  const refused = mayEnd(ending)
  if (refused !== undefined) return { refused }
  const { actor, user, address } = ending
  const event = eventWrite(context, {
    type: 'session.ended',
    userId: user.userId,
    sessionId,
    actor: actorName(actor),
    address,
  })
  const ended = await transition(
    context.transition,
    { session: ref('session', sessionId) },
    ({ session }): Decision<boolean> =>
      session.value?.userId === user.userId
        ? { writes: [...remove(session), event], result: true }
        : { writes: [], result: false },
  )
  if (!ended) return { refused: noSuchSession }
  await endGrants(context, ending, {
    owner: `session:${sessionId}`,
    which: (grant) => !grant.scope.includes('offline_access'),
    reason: 'session_ended',
  })
  return { done: { sessionId } }
}
