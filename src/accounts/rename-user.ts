import type { Actor } from '../domain/authority.ts'
import { put, ref, remove, type Decision } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { describe, isRefusal } from '../protocol/errors.ts'
import { problem } from '../protocol/problem.ts'
import { normaliseUsername, parseUsername } from '../protocol/username.ts'
import { transition } from '../store/transition.ts'
import { noSuchUser } from './change-user.ts'
import { nameTaken } from './create-user.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { findUser, usernameRef } from './find-user.ts'
import { paperwork } from './paperwork.ts'
import { actorName, permit } from './permit.ts'

/** Give an account another user name; the old one is free at once. Ids, and so tokens, stay. */
export async function renameUser(
  context: AccountsContext,
  {
    actor,
    userId,
    username,
    own = false,
  }: { readonly actor: Actor; readonly userId: string; readonly username: string; readonly own?: boolean },
): Promise<Outcome<User>> {
  const wanted = parseUsername(username)
  if (isRefusal(wanted)) return { refused: problem('invalid_field', { field: 'username', detail: describe(wanted) }) }
  for (;;) {
    const before = await findUser(context, userId)
    if (before === undefined) return { refused: noSuchUser }
    const result = await renameFrom(context, before, { actor, wanted, own })
    if (result !== 'renamed meanwhile') return result
  }
}

async function renameFrom(
  context: AccountsContext,
  before: User,
  {
    actor,
    wanted,
    own,
  }: {
    readonly actor: Actor
    readonly wanted: { readonly username: string; readonly normal: string }
    readonly own: boolean
  },
): Promise<Outcome<User> | 'renamed meanwhile'> {
  const { userId } = before
  const target = ref('user', userId)
  const oldName = usernameRef(normalOf(before.username))
  const newName = usernameRef(wanted.normal)
  const sameName = oldName.id === newName.id
  const papers = paperwork(context, { type: 'user.changed', userId, actor: actorName(actor), target: 'username' }, [
    target,
  ])
  return transition(
    context.transition,
    { user: target, from: oldName, to: newName },
    ({ user: slot, from, to }, now): Decision<Outcome<User> | 'renamed meanwhile'> => {
      const user = slot.value
      if (user === undefined) return { writes: [], result: { refused: noSuchUser } }
      if (user.username !== before.username) return { writes: [], result: 'renamed meanwhile' }
      const refused = permit(actor, { do: own ? 'change-self' : 'change-user', target: user })
      if (refused !== undefined) return { writes: [], result: { refused } }
      if (user.username === wanted.username) return { writes: [], result: { done: user } }
      if (!sameName && to.value !== undefined) return { writes: [], result: { refused: nameTaken } }
      const after: User = { ...user, username: wanted.username, updatedAt: now }
      const freed = from.value?.target === userId ? remove(from) : []
      const moved = sameName ? [] : [...freed, put(to, { v: 1, target: userId }, { expiresAt: null, owners: [userId] })]
      return { writes: [put(slot, after, { expiresAt: null }), ...moved, ...papers(now)], result: { done: after } }
    },
  )
}

/** A stored name was acceptable once; should the rules have changed since, it still stands where it was put. */
function normalOf(username: string): string {
  const normal = normaliseUsername(username)
  return isRefusal(normal) ? username.toLowerCase() : normal
}
