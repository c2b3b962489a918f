import { beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../src/api/operations.ts'
import type { Operation } from '../../src/api/operation.ts'
import type { Client } from '../../src/domain/client.ts'
import { ref } from '../../src/domain/record.ts'
import type { Signer } from '../kit/sign.ts'
import { openHouse, type House } from './house.ts'
import { rightCalls } from './right-calls.ts'

let house: House
let client: Client
let scanner: Signer
beforeAll(async () => {
  house = await openHouse()
  client = await house.makeClient({ scope: 'openid profile email me admin admin:read accounts:provision' })
  scanner = await house.makeSigner('leaks:report')
})

const withBody = operations.filter((operation) => operation.body !== undefined)
/** What is stored of these is what finishes them. */
const begins = ['beginMyAuthenticator', 'beginMyPasskey']
const writing = operations.filter(({ method, id }) => method !== 'GET' && !begins.includes(id))
const scope = 'me admin accounts:provision'

/** What lets a caller in. */
const proof = ({ policy }: Operation, token: string) => (policy.who === 'signer' ? { signedBy: scanner } : { token })

/** What a refused call writes: its signature, which is remembered. */
const once = ({ policy }: Operation): number => (policy.who === 'signer' ? 1 : 0)

/** A right call, made with another body. */
async function spoilt(operation: Operation, spoil: (body: Record<string, unknown>) => unknown) {
  const caller = await house.makeUser({ role: 'superuser' })
  const { token, grantId } = await house.makeToken({ client, scope, user: caller })
  const right = await rightCalls[operation.id]?.({ house, caller, client, grantId })
  if (right === undefined) throw new Error(operation.id)
  const before = house.commits()
  const answer = await house.ask(operation.method, right.path, {
    ...proof(operation, token),
    body: spoil((right.body ?? {}) as Record<string, unknown>),
  })
  return { answer, changed: house.commits() - before }
}

/** Members that exist in records or in other calls, and none of these. */
const foreignMembers: readonly (readonly [name: string, value: unknown])[] = [
  ['user_id', 'usr_victim'],
  ['userId', 'usr_victim'],
  ['owner', 'usr_victim'],
  ['actor', 'cli'],
  ['own', true],
  ['role', 'superuser'],
  ['bot', true],
  ['epoch', 0],
  ['v', 1],
  ['created_at', 0],
  ['email_verified', true],
  ['emailVerified', true],
  ['password_hash', 'hash of x'],
  ['passwordHash', 'hash of x'],
  ['scopes', ['admin']],
  ['locked', false],
  ['managed_by', 'file'],
  ['managedBy', 'file'],
  ['disabled', true],
  ['deletedAt', 1],
  ['authentication', { method: 'none' }],
  ['secrets', []],
  ['client_secret', 'chosen'],
  ['client_secret_hash', 'x'],
  ['jwks_uri', 'https://evil.example/jwks'],
  ['constructor', { prototype: { isAdmin: true } }],
  ['toString', 'x'],
]

describe.each(withBody.map((operation) => ({ name: `${operation.method} ${operation.path}`, operation })))(
  '$name',
  ({ operation }) => {
    test('M02: a member that is not its own is refused, and nothing changes', async () => {
      for (const [name, value] of foreignMembers) {
        if (name !== 'constructor' && name !== 'toString' && Object.hasOwn(operation.body?.shape ?? {}, name)) continue
        const { answer, changed } = await spoilt(operation, (body) => ({ ...body, [name]: value }))
        expect([name, answer.status, changed]).toEqual([name, 400, once(operation)])
        expect(answer.text).not.toContain('usr_victim')
      }
    })

    test('J01: __proto__ reaches no prototype', async () => {
      const polluted = [
        '{"__proto__":{"isAdmin":true}}',
        '{"a":{"__proto__":{"isAdmin":true}}}',
        '{"constructor":{"prototype":{"isAdmin":true}}}',
      ]
      for (const body of polluted) expect((await spoilt(operation, () => body)).answer.status).toBe(400)
      const merged = await spoilt(
        operation,
        (body) => `${JSON.stringify(body).slice(0, -1)},"__proto__":{"isAdmin":true}}`,
      )
      expect(merged.answer.status).toBe(400)
      expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined()
    })

    test('a body that two parsers could read differently is refused', async () => {
      const bodies = [
        '{',
        '[]',
        'null',
        '"text"',
        '1',
        'true',
        '{}{}',
        '\ufeff{}',
        "{'a':1}",
        '{"a":1,"a":1}',
        `{"a":${'['.repeat(20)}${']'.repeat(20)}}`,
        '{"a":"\\ud800"}',
        ' ',
      ]
      for (const body of bodies) {
        const { answer, changed } = await spoilt(operation, () => body)
        expect([body, answer.status, changed]).toEqual([body, 400, once(operation)])
      }
      const twice = await spoilt(operation, (body) => {
        const [name = 'x'] = Object.keys(body)
        return `{"${name}":null,${JSON.stringify(body).slice(1)}`
      })
      expect(twice.answer.status).toBe(400)
    })

    test('J02: nothing is converted', async () => {
      const { answer: right } = await spoilt(operation, (body) => body)
      expect(right.status).toBe(operation.answer.status)
      for (const name of Object.keys(operation.body?.shape ?? {})) {
        for (const value of [1.5, -1, { a: 1 }, [[]], [null], '', [1], 1e99, true, 'ⅵ']) {
          const parsed = operation.body?.shape[name] as { safeParse: (value: unknown) => { success: boolean } }
          if (parsed.safeParse(value).success) continue
          const { answer, changed } = await spoilt(operation, (body) => ({ ...body, [name]: value }))
          expect([name, value, answer.status, changed]).toEqual([name, value, 400, once(operation)])
          expect(answer.body['field'], name).toMatch(new RegExp(`^${name}`))
          expect(answer.text).not.toContain('[object Object]')
        }
      }
    })

    if (operation.bodyOptional) return
    test('a missing body is not an empty one', async () => {
      const { answer, changed } = await spoilt(operation, () => '')
      expect([answer.status, changed]).toEqual([400, once(operation)])
    })
  },
)

test('a call that takes no body is refused with one', async () => {
  for (const operation of operations.filter((one) => one.body === undefined)) {
    const { answer, changed } = await spoilt(operation, () => '{"user_id":"usr_victim"}')
    expect([operation.id, answer.status, changed]).toEqual([operation.id, 400, 0])
  }
})

test('an empty object says nothing, so a call that takes no body takes it', async () => {
  const user = await house.makeUser()
  const { token } = await house.makeToken({ client, scope, user: await house.makeUser({ role: 'superuser' }) })
  const path = `/api/v1/users/${user.userId}/revoke-tokens`
  expect((await house.ask('POST', path, { token, body: {} })).status).toBe(200)
})

test('every change leaves an event that names who did it, and no secret', async () => {
  for (const operation of writing) {
    const caller = await house.makeUser({ role: 'superuser' })
    const { token, grantId } = await house.makeToken({ client, scope, user: caller })
    const right = await rightCalls[operation.id]?.({ house, caller, client, grantId })
    const before = (await house.events()).length
    const answer = await house.ask(operation.method, right?.path ?? '', {
      ...proof(operation, token),
      body: right?.body,
    })
    expect(answer.status, operation.id).toBe(operation.answer.status)
    const events = await house.events()
    expect(events.length, operation.id).toBeGreaterThan(before)
    const { who } = operation.policy
    const actor = who === 'anybody' ? 'registration' : who === 'signer' ? scanner.clientId : caller.userId
    const own = events.filter((event) => event.actor === actor)
    expect(own.length, operation.id).toBeGreaterThan(0)
    expect(JSON.stringify(own)).not.toMatch(/hash of|gth_cs_|battery/)
  }
})

describe('paths', () => {
  test('an id that cannot exist is answered as one that does not', async () => {
    const admin = await house.makeUser({ role: 'superuser' })
    const { token } = await house.makeToken({ client, scope: 'me admin accounts:provision', user: admin })
    const absent = await house.ask('GET', '/api/v1/users/usr_AAAAAAAAAAAAAAAAAAAAAA', { token })
    expect(absent.status).toBe(404)
    for (const id of [
      'me',
      '..',
      'usr_',
      'USR_AAAA',
      '%00',
      '__proto__',
      'usr_a b',
      `usr_${'a'.repeat(2_000)}`,
      "usr_'--",
      'admin',
    ]) {
      const answer = await house.ask('GET', `/api/v1/users/${id}`, { token })
      expect([id, answer.status, answer.body['code']]).toEqual([id, 404, 'not_found'])
    }
    for (const id of ['usr_x', '__proto__', 'a%2Fb', 'web ', '*']) {
      expect((await house.ask('GET', `/api/v1/clients/${id}`, { token })).status, id).toBe(404)
    }
    // base64url with padding, stray bits, bytes that are no UTF-8.
    for (const id of ['aHR0cHM6Ly9hcGkuZXhhbXBsZQ==', 'aB', '_w', '*', 'a'.repeat(3_000)]) {
      expect((await house.ask('GET', `/api/v1/resources/${id}`, { token })).status, id).toBe(404)
    }
  })

  test('H11: a user name is never part of a path', async () => {
    const admin = await house.makeUser({ role: 'superuser', username: 'root' })
    const { token } = await house.makeToken({ client, scope: 'admin', user: admin })
    expect((await house.ask('GET', '/api/v1/users/root', { token })).status).toBe(404)
    expect(await house.read(ref('user', admin.userId))).toMatchObject({ username: 'root' })
  })
})
