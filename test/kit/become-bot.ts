import { findUserNamed } from '../../src/accounts/find-user.ts'
import { announce } from '../../src/domain/change.ts'
import { put, ref } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'
import { transition } from '../../src/store/transition.ts'
import type { TestGatehouse } from './gatehouse.ts'

/**
 * Makes a bot of an account, with all ways in that it has: nothing in Gatehouse does so, but a store of before decision 0023 may hold
 * one. Returns its id.
 */
export async function becomeBot(
  server: {
    readonly core: Pick<TestGatehouse['core'], 'transition' | 'clock' | 'random'>
    readonly makeUser: (username: string) => Promise<User>
  },
  username: string,
): Promise<string> {
  const { core } = server
  const { userId } = (await findUserNamed(core, username)) ?? {}
  if (userId === undefined) throw new Error(`nobody is called ${username}`)
  const wrangler = await server.makeUser(`wrangler-of-${username}`.toLowerCase())
  const noteId = core.random.id(core.clock.millis())
  await transition(core.transition, { slot: ref('user', userId) }, ({ slot }, now) => {
    if (slot.value === undefined) throw new Error('the account is gone')
    const bot = { ...slot.value, bot: true, wrangler: wrangler.userId }
    return { writes: [put(slot, bot, { expiresAt: null }), announce(noteId, slot, now)], result: undefined }
  })
  return userId
}
