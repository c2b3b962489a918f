import type { Actor, Deed } from '../domain/authority.ts'
import type { EventType } from '../domain/event.ts'
import { put, ref, type Decision } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { paperwork } from './paperwork.ts'
import { actorName, permit } from './permit.ts'

export const noSuchUser: Problem = problem('not_found', { detail: 'there is no such account' })

export type UserChange = {
  readonly actor: Actor
  readonly userId: string
  readonly event: EventType
  readonly deed: (user: User) => Deed
  /** The account afterwards; the very same one if there is nothing to change. */
  readonly change: (user: User, nowMillis: number) => User | { readonly refused: Problem }
}

/** Change one account that exists, if the actor may: the shape of every change that touches no name. */
export async function changeUser(
  context: AccountsContext,
  { actor, userId, event, deed, change }: UserChange,
): Promise<Outcome<User>> {
  const target = ref('user', userId)
  const nowMillis = context.clock.millis()
  const papers = paperwork(context, { type: event, userId, actor: actorName(actor) }, [target])
  return transition(context.transition, { user: target }, ({ user: slot }, now): Decision<Outcome<User>> => {
    const user = slot.value
    if (user === undefined) return { writes: [], result: { refused: noSuchUser } }
    const refused = permit(actor, deed(user))
    if (refused !== undefined) return { writes: [], result: { refused } }
    const changed = change(user, nowMillis)
    if ('refused' in changed) return { writes: [], result: changed }
    if (changed === user) return { writes: [], result: { done: user } }
    const after: User = { ...changed, updatedAt: now }
    return { writes: [put(slot, after, { expiresAt: null }), ...papers(now)], result: { done: after } }
  })
}
