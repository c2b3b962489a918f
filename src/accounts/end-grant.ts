import type { Actor } from '../domain/authority.ts'
import type { AuditEvent } from '../domain/event.ts'
import type { Grant } from '../domain/grant.ts'
import { check, ref, type Decision, type Ref } from '../domain/record.ts'
import { revokeGrant } from '../domain/revoke-grant.ts'
import type { User } from '../domain/user.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import type { Reason } from '../protocol/reasons.ts'
import { listAll } from '../store/list-all.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { actorName, permit } from './permit.ts'

const noSuchGrant: Problem = problem('not_found', { detail: 'there is no such grant' })

/** Whose belongings an actor wants to end, from where. */
export type Ending = { readonly actor: Actor; readonly user: User; readonly address: string }

/** Ending what is one's own is one's own affair; ending another's needs what bumping their epoch needs. */
export function mayEnd({ actor, user }: Omit<Ending, 'address'>): Problem | undefined {
  const own = actor.kind === 'user' && actor.user.userId === user.userId
  return permit(actor, { do: own && actor.scopes.includes('me') ? 'change-self' : 'revoke-tokens', target: user })
}

/** End one grant of an account, if `which` picks it, and with it every token that came of it (RFC 7009 §2.1). */
export async function endGrant(
  context: AccountsContext,
  ending: Omit<Ending, 'address'> & Partial<Pick<Picked, 'address' | 'which'>>,
  grantId: string,
): Promise<Outcome<{ readonly grantId: string }>> {
  const refused = mayEnd(ending)
  if (refused !== undefined) return { refused }
  const { actor, user, address, which = () => true } = ending
  const picked = { userId: user.userId, which, actor: actorName(actor), ...(address !== undefined && { address }) }
  const ended = await endPicked(context, grantId, picked)
  return ended ? { done: { grantId } } : { refused: noSuchGrant }
}

/** Which grants end, and why: those of an account that `which` picks. */
export type Picked = {
  readonly userId: string
  readonly which: (grant: Grant) => boolean
  /** As audit events name whoever acts. */
  readonly actor: string
  readonly address?: string
  readonly reason?: Reason
  /** They end as long as this is there, asked in each commit. */
  readonly withdrawal?: Ref<'withdrawal'>
}

/** End every grant in a list that is picked. Each is its own commit: whatever was begun can be repeated. */
export async function endGrants(context: AccountsContext, owner: string, picked: Picked): Promise<number> {
  let ended = 0
  for await (const { id } of listAll(context.transition.store, 'grant', owner)) {
    if (await endPicked(context, id, picked)) ended += 1
  }
  return ended
}

/** Whether there was such a grant, alive until now. */
async function endPicked(context: AccountsContext, grantId: string, picked: Picked): Promise<boolean> {
  const { userId, which, actor, address, reason, withdrawal } = picked
  const eventId = context.random.id(context.clock.millis())
  const refs = { slot: ref('grant', grantId), cause: withdrawal ?? ref('withdrawal', '-') }
  return transition(context.transition, refs, ({ slot, cause }, now): Decision<boolean> => {
    const grant = slot.value
    if (withdrawal !== undefined && cause.value === undefined) return { writes: [], result: false }
    if (grant === undefined || grant.revokedAt !== undefined || grant.userId !== userId || !which(grant))
      return { writes: [], result: false }
    const event: AuditEvent = {
      v: 1,
      type: 'grant.revoked',
      at: now,
      clientId: grant.clientId,
      userId,
      grantId,
      actor,
      ...(address !== undefined && { address }),
      ...(reason !== undefined && { reason }),
    }
    const { writes } = revokeGrant(slot, { now, eventId, event })
    return { writes: withdrawal === undefined ? writes : [...writes, check(cause)], result: true }
  })
}
