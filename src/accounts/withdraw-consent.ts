import { eventWrite } from '../audit/event-write.ts'
import { ref, remove, type Decision } from '../domain/record.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { endGrants, mayEnd, type Ending } from './end-grant.ts'
import { actorName } from './permit.ts'

const noSuchConsent: Problem = problem('not_found', { detail: 'there is no such consent' })

/**
 * Take back what an account agreed to let a client do: the consent first, so that nothing new comes of it, then every grant
 * that the client has. Repeating it after it broke off finishes it.
 */
export async function withdrawConsent(
  context: AccountsContext,
  ending: Ending,
  clientId: string,
): Promise<Outcome<{ readonly clientId: string }>> {
  const refused = mayEnd(ending)
  if (refused !== undefined) return { refused }
  const { actor, user, address } = ending
  const event = eventWrite(context, {
    type: 'consent.withdrawn',
    userId: user.userId,
    clientId,
    actor: actorName(actor),
    address,
  })
  const withdrawn = await transition(
    context.transition,
    { consent: ref('consent', `${user.userId}:${clientId}`) },
    ({ consent }): Decision<boolean> =>
      consent.value === undefined
        ? { writes: [], result: false }
        : { writes: [...remove(consent), event], result: true },
  )
  const ended = await endGrants(context, user.userId, {
    userId: user.userId,
    which: (grant) => grant.clientId === clientId,
    actor: actorName(actor),
    address,
  })
  return withdrawn || ended > 0 ? { done: { clientId } } : { refused: noSuchConsent }
}
