import type { Actor } from '../domain/authority.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import { put, ref, remove, type Decision } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { transition } from '../store/transition.ts'
import type { Outcome } from './context.ts'
import { factorsRef } from './find-factors.ts'
import { findUser } from './find-user.ts'
import { noSuchUser } from './no-such-user.ts'
import { noticeWrites } from './notice-writes.ts'
import { changeWrites } from './change-writes.ts'
import { actorName, permit } from './permit.ts'
import type { LettersContext } from './request-letter.ts'

/**
 * Somebody lost his second factors, and an administrator has made sure that it is he: all of them go, recovery codes too, and every
 * session and token with them, since whoever found or stole them may be signed in.
 */
export async function resetFactors(
  context: LettersContext,
  { actor, userId }: { readonly actor: Actor; readonly userId: string },
): Promise<Outcome<User>> {
  const target = ref('user', userId)
  const nowMillis = context.clock.millis()
  const trail = changeWrites(context, { type: 'factor.reset', userId, actor: actorName(actor) }, [target])
  const notice = noticeWrites(context, await findUser(context, userId), 'factor.reset')
  const refs = { user: target, factors: factorsRef(userId) }
  const reset = await transition(context.transition, refs, ({ user: slot, factors }, now): Decision<Outcome<User>> => {
    const user = slot.value
    if (user === undefined) return { writes: [], result: { refused: noSuchUser } }
    const refused = permit(actor, { do: 'reset-factors', target: user })
    if (refused !== undefined) return { writes: [], result: { refused } }
    const after: User = { ...user, epoch: bumpedEpoch(user.epoch, nowMillis), updatedAt: now }
    return {
      writes: [put(slot, after, { expiresAt: null }), ...remove(factors), ...notice, ...trail(now)],
      result: { done: after },
    }
  })
  context.outbox?.wake()
  return reset
}
