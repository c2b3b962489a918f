import type { Client } from '../../src/domain/client.ts'
import { announce } from '../../src/domain/change.ts'
import { put, ref } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'
import { transition } from '../../src/store/transition.ts'
import type { House } from './house.ts'

/** What somebody else changed about an account behind the API's back. */
export async function setUser({ context }: House, userId: string, change: Partial<User>): Promise<void> {
  const id = context.random.id(context.clock.millis())
  await transition(context.transition, { user: ref('user', userId) }, ({ user }, now) => {
    if (user.value === undefined) throw new Error('no such user')
    return {
      writes: [put(user, { ...user.value, ...change }, { expiresAt: null }), announce(id, user, now)],
      result: undefined,
    }
  })
}

export async function setClient({ context }: House, clientId: string, change: Partial<Client>): Promise<void> {
  const id = context.random.id(context.clock.millis())
  await transition(context.transition, { client: ref('client', clientId) }, ({ client }, now) => {
    if (client.value === undefined) throw new Error('no such client')
    return {
      writes: [put(client, { ...client.value, ...change }, { expiresAt: null }), announce(id, client, now)],
      result: undefined,
    }
  })
}
