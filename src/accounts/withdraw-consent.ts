import { eventWrite } from '../audit/event-write.ts'
import { consentId } from '../domain/consent.ts'
import type { Grant } from '../domain/grant.ts'
import { create, ref, remove, type Decision } from '../domain/record.ts'
import { withdrawalsOwner, type Withdrawal } from '../domain/withdrawal.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { listAll } from '../store/list-all.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { endGrants, mayEnd, type Ending } from './end-grant.ts'
import { actorName } from './permit.ts'

const noSuchConsent: Problem = problem('not_found', { detail: 'there is no such consent' })

/**
 * Take back what an account agreed to let a client do: the consent first, so that nothing new comes of it, then every grant
 * that the client has or made for itself. Should it break off in between, the next upkeep finishes it.
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
  const withdrawalId = context.random.id(context.clock.millis())
  const withdrawn = await transition(
    context.transition,
    { consent: ref('consent', consentId(user.userId, clientId)) },
    ({ consent }, at): Decision<boolean> => {
      if (consent.value === undefined) return { writes: [], result: false }
      const withdrawal: Withdrawal = { v: 1, userId: user.userId, clientId, at, actor: actorName(actor), address }
      const kept = create(ref('withdrawal', withdrawalId), withdrawal, { expiresAt: null, owners: [withdrawalsOwner] })
      return { writes: [...remove(consent), kept, event], result: true }
    },
  )
  const ended = await endGrants(context, user.userId, {
    userId: user.userId,
    which: (grant) => isThrough(grant, clientId),
    actor: actorName(actor),
    address,
  })
  if (withdrawn) await forget(context, withdrawalId)
  return withdrawn || ended > 0 ? { done: { clientId } } : { refused: noSuchConsent }
}

/** Whatever a crash left half done: a consent that is gone must not leave a grant alive. */
export async function finishWithdrawals(context: AccountsContext): Promise<void> {
  for await (const record of listAll(context.transition.store, 'withdrawal', withdrawalsOwner)) {
    const { userId, clientId, at, actor, address } = record.value
    const which = (grant: Grant): boolean => isThrough(grant, clientId) && grant.createdAt <= at
    // Whoever withdrew may have finished it since it was listed, and the person agreed anew within the same second.
    const withdrawal = ref('withdrawal', record.id)
    await endGrants(context, userId, { userId, which, actor, address, withdrawal })
    await forget(context, record.id)
  }
}

/** What a client was given, and what it made for itself with that. */
function isThrough({ clientId, madeThrough }: Grant, client: string): boolean {
  return clientId === client || madeThrough === client
}

function forget(context: AccountsContext, withdrawalId: string): Promise<void> {
  return transition(context.transition, { slot: ref('withdrawal', withdrawalId) }, ({ slot }) => ({
    writes: remove(slot),
    result: undefined,
  }))
}
