import type { Actor } from '../domain/authority.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import { put, ref, type Decision } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import { noSuchUser } from './no-such-user.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { changeWrites } from './change-writes.ts'
import { actorName, permit } from './permit.ts'

/** End everything that was issued to one account. The new epoch is in the answer. */
export async function revokeTokens(
  context: AccountsContext,
  { actor, userId }: { readonly actor: Actor; readonly userId: string },
): Promise<Outcome<User>> {
  const target = ref('user', userId)
  const nowMillis = context.clock.millis()
  const trail = changeWrites(context, { type: 'epoch.bumped', userId, actor: actorName(actor) }, [target])
  return transition(context.transition, { user: target }, ({ user: slot }, now): Decision<Outcome<User>> => {
    const user = slot.value
    if (user === undefined) return { writes: [], result: { refused: noSuchUser } }
    const refused = permit(actor, { do: 'revoke-tokens', target: user })
    if (refused !== undefined) return { writes: [], result: { refused } }
    const after: User = { ...user, epoch: bumpedEpoch(user.epoch, nowMillis), updatedAt: now }
    return { writes: [put(slot, after, { expiresAt: null }), ...trail(now)], result: { done: after } }
  })
}

/** End every session and token of everybody. */
export async function revokeEverything(
  context: AccountsContext,
  actor: Actor,
): Promise<Outcome<{ readonly epoch: number }>> {
  const refused = permit(actor, { do: 'revoke-everything' })
  if (refused !== undefined) return { refused }
  const self = ref('instance', 'self')
  const nowMillis = context.clock.millis()
  const trail = changeWrites(context, { type: 'epoch.bumped', target: 'instance', actor: actorName(actor) }, [self])
  return transition(
    context.transition,
    { self },
    ({ self: slot }, now): Decision<Outcome<{ readonly epoch: number }>> => {
      const instance = slot.value
      if (instance === undefined)
        return { writes: [], result: { refused: problem('not_found', { detail: 'this store was never served' }) } }
      const epoch = bumpedEpoch(instance.epoch, nowMillis)
      return {
        writes: [put(slot, { ...instance, epoch }, { expiresAt: null }), ...trail(now)],
        result: { done: { epoch } },
      }
    },
  )
}
