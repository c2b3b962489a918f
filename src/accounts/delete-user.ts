import type { Actor } from '../domain/authority.ts'
import { ref, remove, type Decision, type Kind } from '../domain/record.ts'
import { listAll } from '../store/list-all.ts'
import { transition } from '../store/transition.ts'
import { StoreUnavailable } from '../store/unavailable.ts'
import { newRevocation } from '../upstream/new-revocation.ts'
import { noSuchUser } from './no-such-user.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { emailRef } from './email-name.ts'
import { findUser, normalOf, usernameRef } from './find-user.ts'
import { eventWrite } from '../audit/event-write.ts'
import { endConnection } from '../domain/connect.ts'
import { changeWrites } from './change-writes.ts'
import { actorName, permit } from './permit.ts'

/** What an account leaves behind. It opens nothing without the account; it goes because it tells of a person who wanted to go. */
const leftBehind: readonly Kind[] = ['session', 'factors', 'consent', 'grant', 'identity', 'ticket', 'name', 'edition']

/**
 * Delete an account. Its name is free at once; its id is random and never used again, so every session, grant and token
 * of it is dead with it.
 */
export async function deleteUser(
  context: AccountsContext,
  { actor, userId, own = false }: { readonly actor: Actor; readonly userId: string; readonly own?: boolean },
): Promise<Outcome<{ readonly userId: string }>> {
  for (;;) {
    const before = await findUser(context, userId)
    if (before === undefined) return { refused: noSuchUser }
    const result = await deleteFrom(context, {
      actor,
      userId,
      own,
      username: before.username,
      email: before.email,
      normal: normalOf(before.username),
    })
    if (result === 'renamed meanwhile') continue
    if ('done' in result) await sweepLeftBehind(context, userId)
    return result
  }
}

async function deleteFrom(
  context: AccountsContext,
  about: {
    readonly actor: Actor
    readonly userId: string
    readonly own: boolean
    readonly username: string
    readonly email: string | undefined
    readonly normal: string
  },
): Promise<Outcome<{ readonly userId: string }> | 'renamed meanwhile'> {
  const { actor, userId, own } = about
  const target = ref('user', userId)
  const name = usernameRef(about.normal)
  const trail = changeWrites(context, { type: 'user.deleted', userId, actor: actorName(actor) }, [target])
  return transition(
    context.transition,
    { user: target, name, address: emailRef(about.email ?? '') },
    (
      { user: slot, name: nameSlot, address },
      now,
    ): Decision<Outcome<{ readonly userId: string }> | 'renamed meanwhile'> => {
      const user = slot.value
      if (user === undefined) return { writes: [], result: { refused: noSuchUser } }
      if (user.username !== about.username || user.email !== about.email)
        return { writes: [], result: 'renamed meanwhile' }
      const refused = permit(actor, { do: own ? 'delete-self' : 'delete-user', target: user })
      if (refused !== undefined) return { writes: [], result: { refused } }
      const freed = [nameSlot, address].flatMap((slot) => (slot.value?.target === userId ? remove(slot) : []))
      return { writes: [...remove(slot), ...freed, ...trail(now)], result: { done: { userId } } }
    },
  )
}

/** What a crash leaves expires by itself; so does what a store leaves that stops answering: the account is gone, and that is the answer. */
async function sweepLeftBehind(context: AccountsContext, userId: string): Promise<void> {
  const { store } = context.transition
  try {
    for await (const { id } of listAll(store, 'connection', userId)) await giveUpConnection(context, userId, id)
    for (const kind of leftBehind) {
      for await (const { id, version } of listAll(store, kind, userId)) {
        await store.commit([{ op: 'delete', kind, id, expect: version }])
      }
    }
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
  }
}

/** What other services gave is given back to them, and nothing is left of the connection but that errand. */
async function giveUpConnection(context: AccountsContext, userId: string, id: string): Promise<void> {
  const errand = await newRevocation(context)
  const event = eventWrite(context, { type: 'connection.revoked', userId, target: id, actor: userId })
  await transition(context.transition, { connection: ref('connection', id) }, ({ connection }, now) => {
    const { writes } = endConnection(connection, { now, event, errand })
    const rest = writes.filter((write) => write.op === 'append' || write.kind !== 'connection')
    return { writes: [...remove(connection), ...rest], result: undefined }
  })
}
