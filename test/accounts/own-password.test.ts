import { beforeEach, expect, test } from 'vitest'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { create, put, ref, type Ref } from '../../src/domain/record.ts'
import type { Grant } from '../../src/domain/grant.ts'
import { startSession } from '../../src/domain/session-state.ts'
import type { Session } from '../../src/domain/session.ts'
import type { User } from '../../src/domain/user.ts'
import { readAlive } from '../../src/store/read-alive.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { makeUser, openHouse, type House } from './house.ts'

let house: House
let user: User
const session: Ref<'session'> = ref('session', 'of ada')
const grant: Ref<'grant'> = ref('grant', 'of an application')
beforeEach(async () => {
  house = await openHouse()
  user = await makeUser(house, { username: 'ada', password: 'a fine long password' })
  const instance = await readAlive(house.store, ref('instance', 'self'), house.clock.seconds())
  if (instance === undefined) throw new Error('no instance')
  const about = { user, instance, now: house.clock.seconds(), persistent: false, nonce: 'n', keyId: 'k', device: 'd' }
  await commitNew(house.transition, [
    create(session, startSession({ ...about, amr: ['pwd'], acr: 'pwd' }), { owners: [user.userId], expiresAt: null }),
  ])
})

/** A change of one's own password during whose work something else happens. */
const change = (
  standsIn: boolean,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
  { grantId }: { readonly grantId?: string } = {},
) =>
  patchUser(
    { ...house, passwords: { hash: (password) => meanwhile().then(() => `hash of ${password}`) } },
    {
      actor: { kind: 'user', user, scopes: ['me'] },
      userId: user.userId,
      patch: { password: 'seven herons cross a lock' },
      own: true,
      keep: { sessionId: session.id, standsIn, grantId },
    },
  )
const ended = () =>
  transition(house.transition, { session }, ({ session: slot }, at) => ({
    writes: [put(slot, { ...(slot.value as Session), ended: { at, actor: 'x', address: 'y' } }, { expiresAt: null })],
    result: undefined,
  }))
const passkeyAdded = () => {
  const passkey = { id: 'p', publicKey: 'k', counter: 0, synced: false, name: 'Phone', createdAt: 0 }
  const factors = { v: 1, passkeys: [passkey], recoveryHashes: [] } as const
  return commitNew(house.transition, [create(ref('factors', user.userId), factors, { owners: [], expiresAt: null })])
}
async function grantGiven(): Promise<Grant> {
  const authentication = { authTime: 0, acr: 'pwd', amr: ['pwd'], sessionId: session.id }
  const about = { clientId: 'app', userId: user.userId, scope: ['me'], resources: [], epoch: '0.0.0', createdAt: 0 }
  const given: Grant = { v: 1, ...about, authentication }
  await commitNew(house.transition, [create(grant, given, { owners: [], expiresAt: null })])
  return given
}
const hashNow = async () =>
  (await readAlive(house.store, ref('user', user.userId), house.clock.seconds()))?.passwordHash

test('a sign-in that stands in goes on, under the account’s new epoch', async () => {
  const changed = await change(true)
  const after = 'done' in changed ? changed.done : user
  expect(after.passwordHash).toBe('hash of seven herons cross a lock')
  expect((await readAlive(house.store, session, 0))?.epoch.split('.')[1]).toBe(String(after.epoch))
})

test.each<[string, () => Promise<unknown>]>([
  ['ends', ended],
  ['grows old', () => Promise.resolve(house.wait(301))],
  ['is too weak, since there is a second factor now', passkeyAdded],
])('L4: one that %s during the work changes nothing', async (_, meanwhile) => {
  expect(await change(true, meanwhile)).toMatchObject({ refused: { code: 'forbidden' } })
  expect(await hashNow()).toBe(user.passwordHash)
})

test('L4: nor one that is too weak from the very moment of the commit', async () => {
  let first = true
  const commit: typeof house.store.commit = async (writes) => {
    if (first) {
      first = false
      await passkeyAdded()
    }
    return house.store.commit(writes)
  }
  const store = { ...house.store, commit }
  house = { ...house, transition: { ...house.transition, store } }
  expect(await change(true)).toMatchObject({ refused: { code: 'forbidden' } })
  expect(await hashNow()).toBe(user.passwordHash)
})

test('L4: nor by an application whose grant was taken back during the work, or that has none', async () => {
  const given = await grantGiven()
  const takenBack = () =>
    transition(house.transition, { grant }, ({ grant: slot }, revokedAt) => ({
      writes: [put(slot, { ...given, revokedAt }, { expiresAt: null })],
      result: undefined,
    }))
  const through = { grantId: grant.id }
  expect(await change(true, takenBack, through)).toMatchObject({ refused: { code: 'forbidden' } })
  expect(await change(true, undefined, { grantId: 'of nobody' })).toMatchObject({ refused: { code: 'forbidden' } })
  expect(await hashNow()).toBe(user.passwordHash)
})

test('by an application whose grant holds it may be', async () => {
  await grantGiven()
  expect(await change(true, undefined, { grantId: grant.id })).toHaveProperty('done')
})

test('whoever named the current password needs no session for it', async () => {
  expect(await change(false, ended)).toHaveProperty('done')
})
