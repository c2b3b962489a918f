import { beforeEach, expect, test } from 'vitest'
import { eventWrite, type Happening } from '../../src/audit/event-write.ts'
import { eventsOf } from '../../src/api/nouns/own-events.ts'
import type { User } from '../../src/domain/user.ts'
import { commitNew } from '../../src/store/transition.ts'
import { openHouse, type House } from './house.ts'

let house: House
let ada: User
let bob: User
let token: string
beforeEach(async () => {
  house = await openHouse()
  const client = await house.makeClient({ client_id: 'console', scope: 'openid me' })
  ada = await house.makeUser({ username: 'ada' })
  bob = await house.makeUser({ username: 'bob' })
  token = (await house.makeToken({ client, user: ada, scope: 'me' })).token
})

type Listed = { readonly items: readonly Record<string, unknown>[]; readonly next: string | null }

const happen = (...events: readonly Happening[]) =>
  commitNew(
    house.context.transition,
    events.map((one) => eventWrite(house.context, one)),
  )
const list = async (query = '') =>
  (await house.ask('GET', '/api/v1/me/events', { token, query })).body as unknown as Listed
const exported = async () => (await house.ask('GET', '/api/v1/me/export', { token })).body['events'] as Listed

test('GDPR Art. 15: list and export say what happened to the account and what its person did, and nothing of others', async () => {
  await happen(
    { type: 'signin.failed', userId: ada.userId, address: '198.51.100.7', reason: 'password_wrong' },
    { type: 'signin.succeeded', userId: bob.userId, address: '203.0.113.5' },
    { type: 'user.changed', userId: bob.userId, actor: ada.userId, address: '192.0.2.7' },
    { type: 'client.created', clientId: 'web', actor: bob.userId, address: '203.0.113.5' },
  )
  for (const { items, next } of [await list(), await exported()]) {
    expect(next).toBeNull()
    const told = items
      .filter(({ type }) => type !== 'user.created')
      .toSorted((a, b) => (String(a['type']) < String(b['type']) ? -1 : 1))
    expect(told).toMatchObject([
      { type: 'signin.failed', address: '198.51.100.7', reason: 'password_wrong' },
      { type: 'user.changed', user_id: bob.userId, actor: ada.userId, address: '192.0.2.7' },
    ])
    expect(JSON.stringify(items)).not.toContain('203.0.113.5')
  }
})

test('GDPR Art. 15 (4): who else acted, and from where, is not said', async () => {
  await happen({ type: 'user.locked', userId: ada.userId, actor: bob.userId, address: '203.0.113.5' })
  for (const { items } of [await list(), await exported()]) {
    const told = items.find(({ type }) => type === 'user.locked')
    expect(told).toMatchObject({ user_id: ada.userId, actor: 'another' })
    expect(told).not.toHaveProperty('address')
  }
})

test('in pages; a cursor of somebody else’s list is refused, and a sign-in of long ago does not do', async () => {
  for (let count = 0; count < 5; count += 1) {
    house.wait(1)
    await happen({ type: 'session.ended', userId: ada.userId, sessionId: `s${count}` })
  }
  const seen: unknown[] = []
  let query = 'limit=2'
  for (let page = 0; page < 10; page += 1) {
    const { items, next } = await list(query)
    expect(items.length).toBeLessThanOrEqual(2)
    seen.push(...items.flatMap(({ session_id: id }) => id ?? []))
    if (next === null) break
    query = `limit=2&cursor=${encodeURIComponent(next)}`
  }
  expect(seen).toEqual(['s0', 's1', 's2', 's3', 's4'])
  const client = await house.makeClient({ client_id: 'other', scope: 'openid me' })
  const { next } = await list('limit=2')
  const cursor = `cursor=${encodeURIComponent(next ?? '')}`
  const bobs = (await house.makeToken({ client, user: bob, scope: 'me' })).token
  expect((await house.ask('GET', '/api/v1/me/events', { token: bobs, query: cursor })).status).toBe(400)
  const old = (await house.makeToken({ client, user: ada, scope: 'me', signedInAgo: 3_600 })).token
  expect((await house.ask('GET', '/api/v1/me/events', { token: old })).status).toBe(401)
})

test('an export reads a bounded part of what happened on a busy server, and says where to go on', async () => {
  const noise = Array.from({ length: 500 }, (): Happening => ({ type: 'token.issued', userId: bob.userId }))
  for (let round = 0; round < 3; round += 1) {
    house.wait(1)
    await happen(...noise)
  }
  house.wait(1)
  await happen({ type: 'session.ended', userId: ada.userId, sessionId: 'late' })
  const first = await eventsOf(house.context, ada, 2)
  expect(first.next).not.toBeNull()
  expect(JSON.stringify(first.items)).not.toContain('late')
  const whole = await callsTo('late')
  const calls = await callsTo('late', first.next)
  // It went on from there, and didn't begin again.
  expect(calls).toBeLessThan(whole - 1)
})

/** How many pages are asked for until that session is told of. */
async function callsTo(sessionId: string, from: string | null = null): Promise<number> {
  let cursor = from
  for (let calls = 1; calls < 100; calls += 1) {
    const { items, next } = await list(cursor === null ? '' : `cursor=${encodeURIComponent(cursor)}`)
    if (items.some(({ session_id: id }) => id === sessionId)) return calls
    cursor = next
    if (next === null) break
  }
  throw new Error('it is never told of')
}
