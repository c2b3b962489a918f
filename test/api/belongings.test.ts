import { beforeAll, describe, expect, test } from 'vitest'
import { finishWithdrawals } from '../../src/accounts/withdraw-consent.ts'
import type { Client } from '../../src/domain/client.ts'
import { put, ref, remove } from '../../src/domain/record.ts'
import { beginEnd } from '../../src/domain/session-state.ts'
import type { User } from '../../src/domain/user.ts'
import { withdrawalsOwner } from '../../src/domain/withdrawal.ts'
import { transition } from '../../src/store/transition.ts'
import { openHouse, type House } from './house.ts'

let house: House
let client: Client
/** Through which everybody asks, so that his token isn't one of the things he asks about. */
let asker: Client
beforeAll(async () => {
  house = await openHouse()
  asker = await house.makeClient({ client_id: 'asker', scope: 'me admin' })
  client = await house.makeClient({
    client_id: 'web',
    client_name: 'My web app',
    scope: 'openid me admin offline_access',
  })
})

const tokenFor = async (user: User, scope = 'me'): Promise<string> =>
  (await house.makeToken({ client: asker, user, scope })).token

describe.each([
  ['sessions', (user: User) => house.makeSession(user)],
  ['grants', (user: User) => house.makeGrant(user, client)],
  ['connections', (user: User) => house.makeConnection(user)],
  ['identities', (user: User) => house.makeIdentity(user)],
  [
    'consents',
    async (user: User) => {
      await house.makeConsent(user, client)
      return client.clientId
    },
  ],
])('%s', (noun, make) => {
  test('M04: somebody else’s is answered as one that does not exist, byte for byte, and stays', async () => {
    const [ada, bob] = [await house.makeUser(), await house.makeUser()]
    const id = await make(ada)
    const token = await tokenFor(bob)
    for (const method of ['GET', 'DELETE']) {
      const theirs = await house.ask(method, `/api/v1/me/${noun}/${id}`, { token })
      const absent = await house.ask(method, `/api/v1/me/${noun}/absent`, { token })
      expect(theirs.status).toBe(404)
      expect(theirs.text).toBe(absent.text)
    }
    const own = await house.ask('GET', `/api/v1/me/${noun}/${id}`, { token: await tokenFor(ada) })
    expect(own.status).toBe(200)
  })

  test('M03: an administrator names account and thing, and they must fit', async () => {
    const [ada, bob] = [await house.makeUser(), await house.makeUser()]
    const id = await make(ada)
    const token = await tokenFor(await house.makeUser({ role: 'admin' }), 'admin')
    for (const method of ['GET', 'DELETE']) {
      expect((await house.ask(method, `/api/v1/users/${bob.userId}/${noun}/${id}`, { token })).status).toBe(404)
    }
    expect((await house.ask('DELETE', `/api/v1/users/${ada.userId}/${noun}/${id}`, { token })).status).toBe(204)
    expect((await house.ask('GET', `/api/v1/users/${ada.userId}/${noun}/${id}`, { token })).status).toBe(404)
  })

  test('the lists of an account hold its own alone', async () => {
    const [ada, bob] = [await house.makeUser(), await house.makeUser()]
    await make(ada)
    const admin = await tokenFor(await house.makeUser({ role: 'admin' }), 'admin')
    const { body } = await house.ask('GET', `/api/v1/users/${bob.userId}/${noun}`, { token: admin })
    expect(body['items']).toEqual([])
    expect((await house.ask('GET', `/api/v1/users/usr_nobody/${noun}`, { token: admin })).status).toBe(404)
  })

  test('ended once, it is gone', async () => {
    const ada = await house.makeUser()
    const id = await make(ada)
    const admin = await tokenFor(await house.makeUser({ role: 'admin' }), 'admin')
    const path = `/api/v1/users/${ada.userId}/${noun}/${id}`
    expect((await house.ask('DELETE', path, { token: admin })).status).toBe(204)
    expect((await house.ask('DELETE', path, { token: admin })).status).toBe(404)
  })

  test('nobody of a lower role ends what belongs to somebody above him', async () => {
    const high = await house.makeUser({ role: 'superuser' })
    const id = await make(high)
    const token = await tokenFor(await house.makeUser({ role: 'admin' }), 'admin')
    expect((await house.ask('DELETE', `/api/v1/users/${high.userId}/${noun}/${id}`, { token })).status).toBe(403)
  })
})

describe('what ends with it', () => {
  test('a grant takes its tokens along, the one that asked too', async () => {
    const ada = await house.makeUser()
    const { token, grantId } = await house.makeToken({ client, user: ada, scope: 'me' })
    expect((await house.ask('DELETE', `/api/v1/me/grants/${grantId}`, { token })).status).toBe(204)
    expect((await house.ask('GET', '/api/v1/me/session', { token })).status).toBe(401)
    expect(await house.events()).toContainEqual(
      expect.objectContaining({
        type: 'grant.revoked',
        grantId,
        userId: ada.userId,
        clientId: 'web',
        actor: ada.userId,
        address: '192.0.2.7',
      }),
    )
  })

  test('OIDC Core §11: a session takes its grants along, except those with offline_access', async () => {
    const ada = await house.makeUser()
    const sessionId = await house.makeSession(ada)
    const authentication = { authTime: house.context.clock.seconds(), acr: 'pwd', amr: ['pwd'], sessionId }
    const bound = await house.makeGrant(ada, client, { authentication })
    const offline = await house.makeGrant(ada, client, { authentication, scope: ['openid', 'offline_access'] })
    const elsewhere = await house.makeGrant(ada, client)
    const token = await tokenFor(ada)
    expect((await house.ask('DELETE', `/api/v1/me/sessions/${sessionId}`, { token })).status).toBe(204)
    expect(await house.read(ref('session', sessionId))).toBeUndefined()
    const revoked = async (id: string) => (await house.read(ref('grant', id)))?.revokedAt !== undefined
    expect([await revoked(bound), await revoked(offline), await revoked(elsewhere)]).toEqual([true, false, false])
  })

  test('a session whose end broke off half way is ended by asking again', async () => {
    const ada = await house.makeUser()
    const sessionId = await house.makeSession(ada)
    const authentication = { authTime: house.context.clock.seconds(), acr: 'pwd', amr: ['pwd'], sessionId }
    const bound = await house.makeGrant(ada, client, { authentication })
    const refs = { session: ref('session', sessionId) }
    const end = { at: house.context.clock.seconds(), actor: ada.userId, address: '192.0.2.1' }
    await transition(house.context.transition, refs, ({ session }) => ({
      writes: beginEnd(session, { end, eventId: house.context.random.id(0) }),
      result: undefined,
    }))
    const path = `/api/v1/me/sessions/${sessionId}`
    const token = await tokenFor(ada)
    expect((await house.ask('DELETE', path, { token })).status).toBe(204)
    expect((await house.read(ref('grant', bound)))?.revokedAt).toBeDefined()
    expect((await house.ask('DELETE', path, { token })).status).toBe(404)
  })

  test('a consent takes every grant of its client along, and no other', async () => {
    const ada = await house.makeUser()
    const other = await house.makeClient({ client_id: 'other' })
    await house.makeConsent(ada, client)
    await house.makeConsent(ada, other)
    const mine = [await house.makeGrant(ada, client), await house.makeGrant(ada, client)]
    const kept = await house.makeGrant(ada, other)
    const { token } = await house.makeToken({ client: other, user: ada, scope: 'me' })
    expect((await house.ask('DELETE', '/api/v1/me/consents/web', { token })).status).toBe(204)
    for (const id of mine) expect((await house.read(ref('grant', id)))?.revokedAt).toBeDefined()
    expect((await house.read(ref('grant', kept)))?.revokedAt).toBeUndefined()
    expect(await house.read(ref('consent', `${ada.userId}:web`))).toBeUndefined()
    expect(await house.read(ref('consent', `${ada.userId}:other`))).toBeDefined()
  })

  test('a withdrawal that broke off half way is finished by repeating it', async () => {
    const ada = await house.makeUser()
    const left = await house.makeGrant(ada, client)
    const token = await tokenFor(ada)
    expect((await house.ask('DELETE', '/api/v1/me/consents/web', { token })).status).toBe(204)
    expect((await house.read(ref('grant', left)))?.revokedAt).toBeDefined()
    expect((await house.ask('DELETE', '/api/v1/me/consents/web', { token })).status).toBe(404)
  })

  test.each([
    ['that is still there ends what was given in its second', true],
    ['that was finished since it was listed leaves alone what was given in its second', false],
  ])('a listed withdrawal %s', async (_, there) => {
    const ada = await house.makeUser()
    const id = await house.makeGrant(ada, client)
    const { context } = house
    const at = context.clock.seconds()
    const value = { v: 1, userId: ada.userId, clientId: 'web', at, actor: ada.userId, address: '192.0.2.1' } as const
    const target = ref('withdrawal', context.random.id(0))
    if (there)
      await transition(context.transition, { slot: target }, ({ slot }) => ({
        writes: [put(slot, value, { expiresAt: null, owners: [withdrawalsOwner] })],
        result: undefined,
      }))
    const { store } = context.transition
    const list: typeof store.list = async (kind, owner, page) =>
      kind === 'withdrawal'
        ? { records: [{ ...target, version: 'listed', value }], next: null }
        : store.list(kind, owner, page)
    await finishWithdrawals({ ...context, transition: { ...context.transition, store: { ...store, list } } })
    expect((await house.read(ref('grant', id)))?.revokedAt).toBe(there ? at : undefined)
  })
})

test('a withdrawal that is finished while a grant of its second is being ended ends it no more', async () => {
  const ada = await house.makeUser()
  const id = await house.makeGrant(ada, client)
  const { context } = house
  const { store } = context.transition
  const value = {
    v: 1,
    userId: ada.userId,
    clientId: 'web',
    at: context.clock.seconds(),
    actor: ada.userId,
    address: '192.0.2.1',
  } as const
  const target = ref('withdrawal', context.random.id(0))
  await transition(context.transition, { slot: target }, ({ slot }) => ({
    writes: [put(slot, value, { expiresAt: null, owners: [withdrawalsOwner] })],
    result: undefined,
  }))
  let finished = false
  const commit: typeof store.commit = async (writes) => {
    if (!finished) {
      finished = true
      await transition(context.transition, { slot: target }, ({ slot }) => ({
        writes: remove(slot),
        result: undefined,
      }))
    }
    return store.commit(writes)
  }
  await finishWithdrawals({ ...context, transition: { ...context.transition, store: { ...store, commit } } })
  expect(finished).toBe(true)
  expect((await house.read(ref('grant', id)))?.revokedAt).toBeUndefined()
})

test('CONTRACT: a grant shows its client, scope, device and times', async () => {
  const ada = await house.makeUser()
  const now = house.context.clock.seconds()
  const imprint = { nonce: 'n', keyId: 'k' }
  const refresh = {
    generation: 3,
    current: imprint,
    idleTtl: 100,
    idleExpiresAt: now + 100,
    absoluteExpiresAt: now + 1_000,
    lastUsedAt: now - 5,
  }
  const id = await house.makeGrant(ada, client, { refresh, deviceName: 'Firefox on Linux' })
  const { body, text } = await house.ask('GET', `/api/v1/me/grants/${id}`, { token: await tokenFor(ada) })
  expect(body).toEqual({
    grant_id: id,
    client_id: 'web',
    client_name: 'My web app',
    scope: 'openid me',
    resources: [],
    device_name: 'Firefox on Linux',
    created_at: now,
    last_used_at: now - 5,
    expires_at: now + 100,
  })
  expect(text).not.toContain('nonce')
})
