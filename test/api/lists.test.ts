import { beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../../src/domain/client.ts'
import type { User } from '../../src/domain/user.ts'
import { mac } from '../../src/crypto/mac.ts'
import { encodeTextBase64url } from '../../src/crypto/encoding.ts'
import { openHouse, type House } from './house.ts'
import { setClient, setUser } from './set-record.ts'

let house: House
let client: Client
let admin: User
let token: string
beforeAll(async () => {
  house = await openHouse()
  client = await house.makeClient({ client_id: 'console', scope: 'openid me admin admin:read' })
  admin = await house.makeUser({ role: 'superuser' })
  token = (await house.makeToken({ client, user: admin, scope: 'me admin:read' })).token
})

type Item = Record<string, unknown>

/** Every page of a list, as a program would read it. */
async function pagesOf(path: string, limit: number, filter = ''): Promise<readonly (readonly Item[])[]> {
  const pages: (readonly Item[])[] = []
  let query = `limit=${limit}${filter && `&${filter}`}`
  for (let page = 1; page <= 200; page += 1) {
    const { status, body } = await house.ask('GET', path, { token, query })
    expect(status).toBe(200)
    const items = body['items'] as readonly Item[]
    expect(items.length).toBeLessThanOrEqual(limit)
    pages.push(items)
    if (body['next'] === null) return pages
    query = `limit=${limit}${filter && `&${filter}`}&cursor=${encodeURIComponent(body['next'] as string)}`
  }
  throw new Error('the list has no end')
}

describe('paging', () => {
  test.each([1, 7, 100])('every account comes once, %d at a time', async (limit) => {
    for (let count = 0; count < 30; count += 1) await house.makeUser()
    const ids = (await pagesOf('/api/v1/users', limit)).flat().map((user) => user['user_id'])
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBeGreaterThan(30)
    expect(ids).toContain(admin.userId)
  })

  test.each(['/api/v1/clients', '/api/v1/resources', '/api/v1/keys'])(
    '%s: pages of one are the same list',
    async (path) => {
      await house.makeClient({ client_id: `app-${house.context.random.text(6)}` })
      // The longest identifier that there may be, in a cursor too.
      await house.makeResource(
        `https://${house.context.random
          .text(6)
          .toLowerCase()
          .replaceAll(/[^a-z]/g, 'x')}.example/${'a'.repeat(980)}`,
      )
      const all = (await pagesOf(path, 100)).flat()
      expect(all.length).toBeGreaterThan(0)
      expect((await pagesOf(path, 1)).flat()).toEqual(all)
    },
  )

  test('events come in the order of time with the names of the wire, each once whatever the page; of one type, account or client alone, since an instant', async () => {
    const begun = house.context.clock.seconds()
    for (let count = 0; count < 30; count += 1)
      await house.ask('POST', '/api/v1/clients', {
        token: (await house.makeToken({ client, user: admin, scope: 'admin' })).token,
        body: { client_name: `An app ${count}`, redirect_uris: ['https://app.example/cb'], scope: 'openid' },
      })
    const of = async (query: string, limit = 100): Promise<readonly Item[]> =>
      (await pagesOf('/api/v1/events', limit, query)).flat()
    const every = await of('')
    expect(every).toHaveLength((await house.events()).length)
    const ids = every.map(({ id }) => String(id))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(ids.toSorted())
    expect(await of('', 1)).toEqual(every)
    const made = (await of('type=client.created', 7)).filter(({ actor }) => actor === admin.userId)
    expect(made).toHaveLength(30)
    expect(made).toEqual(every.filter(({ type, actor }) => type === 'client.created' && actor === admin.userId))
    expect(made.at(-1)).toEqual({
      id: expect.any(String),
      type: 'client.created',
      at: house.context.clock.seconds(),
      actor: admin.userId,
      client_id: expect.any(String),
    })
    const one = String(made.at(-1)?.['client_id'])
    expect((await of(`client=${one}`)).map(({ type }) => type)).toEqual(['client.created'])
    expect(await of('user=usr_nobody')).toEqual([])
    expect((await of(`since=${begun}`)).length).toBeGreaterThanOrEqual(30)
    expect(await of(`since=${begun + 60}`)).toEqual([])
  })

  test('what is dead is passed over, and the list goes on behind it', async () => {
    const user = await house.makeUser()
    const alive: string[] = []
    for (let count = 0; count < 40; count += 1) {
      const about = count % 4 === 0 ? {} : { revokedAt: house.context.clock.seconds() }
      const id = await house.makeGrant(user, client, about)
      if (count % 4 === 0) alive.push(id)
    }
    for (const limit of [1, 3, 100]) {
      const pages = await pagesOf(`/api/v1/users/${user.userId}/grants`, limit)
      expect(
        pages
          .flat()
          .map((grant) => String(grant['grant_id']))
          .toSorted(),
      ).toEqual(alive.toSorted())
    }
  })

  test('a list filtered by name holds that account alone, in any spelling of it', async () => {
    const user = await house.makeUser({ username: 'Grace' })
    for (const name of ['Grace', 'grace', 'GRACE', 'ｇｒａｃｅ', '%20grace%20']) {
      const { body } = await house.ask('GET', '/api/v1/users', {
        token,
        query: `username=${name.includes('%') ? name : encodeURIComponent(name)}`,
      })
      expect((body['items'] as readonly Item[]).map((item) => item['user_id'])).toEqual([user.userId])
      expect(body['next']).toBeNull()
    }
    for (const name of ['nobody', '', 'a b', '%E2%80%8Bgrace']) {
      const { status, body } = await house.ask('GET', '/api/v1/users', {
        token,
        query: `username=${encodeURIComponent(name)}`,
      })
      expect([name, status, body['items']]).toEqual([name, 200, []])
    }
  })

  test('an API is found by its identifier', async () => {
    await house.makeResource('https://found.example/v1?x=y')
    const { body } = await house.ask('GET', '/api/v1/resources', {
      token,
      query: `resource=${encodeURIComponent('https://found.example/v1?x=y')}`,
    })
    const [item] = body['items'] as readonly Item[]
    expect(item?.['resource']).toBe('https://found.example/v1?x=y')
    const one = await house.ask('GET', `/api/v1/resources/${String(item?.['resource_id'])}`, { token })
    expect(one.body).toEqual(item)
  })
})

describe('limits and cursors', () => {
  const bad = ['0', '101', '-1', '1e1', '0x10', '%D9%A3', '1.0', '+1', ' 1', '01', '', '99999999999', 'ten', '1;1']
  test.each(bad)('J11: limit=%s is no limit', async (limit) => {
    for (const path of ['/api/v1/users', '/api/v1/clients', '/api/v1/resources', '/api/v1/keys', '/api/v1/me/grants']) {
      const { status, body } = await house.ask('GET', path, {
        token,
        query: `limit=${encodeURIComponent(decodeURIComponent(limit))}`,
      })
      expect([path, status, body['field']]).toEqual([path, 400, 'limit'])
    }
  })

  const cursorOf = async (path: string, as = token): Promise<string> => {
    const { body } = await house.ask('GET', path, { token: as, query: 'limit=1' })
    expect(body['next']).not.toBeNull()
    return String(body['next'])
  }

  test('J12: a forged, edited or foreign cursor is refused', async () => {
    await house.makeUser()
    const cursor = await cursorOf('/api/v1/users')
    const [keyId = '', position = '', seal = ''] = cursor.split('.')
    const { key } = house.context.keys.secret('cursor')
    const forged = [
      'x',
      '',
      'usr_x',
      `${keyId}.${position}`,
      `${keyId}.${encodeTextBase64url('0:usr_a')}.${seal}`,
      `${keyId}.${position}.${seal.slice(0, -1)}${seal.endsWith('A') ? 'B' : 'A'}`,
      `${keyId}.${position}.${seal}=`,
      ` ${cursor}`,
      `nokey.${position}.${seal}`,
      // The right key under a message of another make.
      `${keyId}.${position}.${mac(key, position)}`,
      'a'.repeat(4_000),
      "'; DROP TABLE users --",
    ]
    for (const one of forged) {
      const { status, body } = await house.ask('GET', '/api/v1/users', {
        token,
        query: `cursor=${encodeURIComponent(one)}`,
      })
      expect([one, status, body['code']]).toEqual([one, 400, 'invalid_cursor'])
    }
  })

  test('J12: a cursor fits the list alone that it came from, and its owner', async () => {
    const [ada, bob] = [await house.makeUser(), await house.makeUser()]
    for (const user of [ada, ada, bob, bob]) await house.makeGrant(user, client)
    const ofAda = await cursorOf(`/api/v1/users/${ada.userId}/grants`)
    const fits = await house.ask('GET', `/api/v1/users/${ada.userId}/grants`, { token, query: `cursor=${ofAda}` })
    expect(fits.status).toBe(200)
    for (const path of [
      `/api/v1/users/${bob.userId}/grants`,
      `/api/v1/users/${ada.userId}/sessions`,
      '/api/v1/users',
      '/api/v1/clients',
      '/api/v1/me/grants',
    ]) {
      const { status, body } = await house.ask('GET', path, { token, query: `cursor=${ofAda}` })
      expect([path, status, body['code']]).toEqual([path, 400, 'invalid_cursor'])
    }
    const filtered = await house.ask('GET', '/api/v1/users', {
      token,
      query: `username=ada&cursor=${await cursorOf('/api/v1/users')}`,
    })
    expect(filtered.body['code']).toBe('invalid_cursor')
  })
})

describe('what lists show', () => {
  test('M05: a list shows of its items what a single read shows, and no more', async () => {
    const user = await house.makeUser()
    await house.makeSession(user)
    await house.makeGrant(user, client)
    await house.makeConsent(user, client)
    await house.makeResource('https://same.example')
    const lists: readonly (readonly [path: string, id: string])[] = [
      ['/api/v1/users', 'user_id'],
      ['/api/v1/clients', 'client_id'],
      ['/api/v1/resources', 'resource_id'],
      [`/api/v1/users/${user.userId}/sessions`, 'session_id'],
      [`/api/v1/users/${user.userId}/grants`, 'grant_id'],
      [`/api/v1/users/${user.userId}/consents`, 'client_id'],
    ]
    for (const [path, id] of lists) {
      const items = (await pagesOf(path, 100)).flat()
      expect(items.length, path).toBeGreaterThan(0)
      for (const item of items) {
        const one = await house.ask('GET', `${path}/${String(item[id])}`, { token })
        expect(one.body).toEqual(item)
      }
    }
  })

  test('a deleted client is in no list', async () => {
    const gone = await house.makeClient({ client_id: 'soon-gone' })
    await setClient(house, gone.clientId, { disabled: true, deletedAt: house.context.clock.seconds() })
    const ids = (await pagesOf('/api/v1/clients', 100)).flat().map((item) => item['client_id'])
    expect(ids).not.toContain('soon-gone')
    expect((await house.ask('GET', '/api/v1/clients/soon-gone', { token })).status).toBe(404)
  })

  test('what an epoch ended is in no list', async () => {
    const user = await house.makeUser()
    await house.makeSession(user)
    await house.makeGrant(user, client)
    await house.makeConsent(user, client)
    await setUser(house, user.userId, { epoch: user.epoch + 1 })
    for (const noun of ['sessions', 'grants', 'consents']) {
      expect((await pagesOf(`/api/v1/users/${user.userId}/${noun}`, 100)).flat()).toEqual([])
    }
  })

  test('a code that nobody has redeemed is no grant yet', async () => {
    const user = await house.makeUser()
    const code = {
      nonce: 'n',
      keyId: 'k',
      redirectUri: 'https://app.example/cb',
      codeChallenge: 'c',
      expiresAt: house.context.clock.seconds() + 60,
    }
    await house.makeGrant(user, client, { code })
    const redeemed = await house.makeGrant(user, client, {
      code: { ...code, redeemedAt: house.context.clock.seconds() },
    })
    const ids = (await pagesOf(`/api/v1/users/${user.userId}/grants`, 100)).flat().map((item) => item['grant_id'])
    expect(ids).toEqual([redeemed])
  })
})
