import { beforeEach, describe, expect, test } from 'vitest'
import type { Client } from '../../src/domain/client.ts'
import { rings, secretRings } from '../../src/domain/key-lifecycle.ts'
import type { KeyRecord } from '../../src/domain/key.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { verifyClientSecret } from '../../src/tokens/client-secret.ts'
import { openHouse, type House } from './house.ts'
import { setClient } from './set-record.ts'

let house: House
let tool: Client
let token: string
beforeEach(async () => {
  house = await openHouse()
  tool = await house.makeClient({ client_id: 'console', scope: 'openid me admin' })
  const admin = await house.makeUser({ role: 'admin' })
  token = (await house.makeToken({ client: tool, user: admin, scope: 'admin' })).token
})

const web = { client_id: 'web', redirect_uris: ['https://web.example/cb'] }
const opens = async (clientId: string, secret: unknown): Promise<boolean> => {
  const proof = (await house.read(ref('client', clientId)))?.authentication
  if (proof === undefined || !('secrets' in proof)) return false
  return verifyClientSecret(String(secret), proof.secrets, house.context.clock.seconds())
}

describe('clients', () => {
  test('RFC 7591 §3.2.1: the secret is in the answer that made it, and in no other', async () => {
    const made = await house.ask('POST', '/api/v1/clients', { token, body: web })
    expect(made.status).toBe(201)
    expect(made.header('location')).toBe('/api/v1/clients/web')
    expect(made.body['client_secret']).toMatch(/^gth_cs_/)
    expect(made.body['client_secret_expires_at']).toBe(0)
    expect(await opens('web', made.body['client_secret'])).toBe(true)
    const { client_secret: secret, client_secret_expires_at: _, ...rest } = made.body
    expect((await house.ask('GET', '/api/v1/clients/web', { token })).body).toEqual(rest)
    const patched = await house.ask('PATCH', '/api/v1/clients/web', { token, body: { client_name: 'Web' } })
    expect(patched.body).toEqual({ ...rest, client_name: 'Web' })
    const list = await house.ask('GET', '/api/v1/clients', { token })
    const events = JSON.stringify(await house.events())
    for (const text of [list.text, events, JSON.stringify(await house.read(ref('client', 'web')))]) {
      expect(text).not.toContain(String(secret))
    }
  })

  test('a rotated secret replaces the old one at once, or after the overlap', async () => {
    const first = (await house.ask('POST', '/api/v1/clients', { token, body: web })).body['client_secret']
    const second = await house.ask('POST', '/api/v1/clients/web/secret', { token, body: { overlap_seconds: 60 } })
    expect([second.status, Object.keys(second.body)]).toEqual([
      201,
      ['client_id', 'client_secret', 'client_secret_expires_at'],
    ])
    expect([await opens('web', first), await opens('web', second.body['client_secret'])]).toEqual([true, true])
    house.wait(61)
    expect([await opens('web', first), await opens('web', second.body['client_secret'])]).toEqual([false, true])
    const third = await house.ask('POST', '/api/v1/clients/web/secret', { token })
    expect([await opens('web', second.body['client_secret']), await opens('web', third.body['client_secret'])]).toEqual(
      [false, true],
    )
  })

  test('a client that becomes confidential gets a secret; one that becomes public loses them', async () => {
    await house.ask('POST', '/api/v1/clients', { token, body: { ...web, token_endpoint_auth_method: 'none' } })
    const confidential = await house.ask('PATCH', '/api/v1/clients/web', {
      token,
      body: { token_endpoint_auth_method: 'client_secret_post' },
    })
    expect(await opens('web', confidential.body['client_secret'])).toBe(true)
    const open = await house.ask('PATCH', '/api/v1/clients/web', {
      token,
      body: { token_endpoint_auth_method: 'none' },
    })
    expect(open.body['client_secret']).toBeUndefined()
    expect(await opens('web', confidential.body['client_secret'])).toBe(false)
    const none = await house.ask('POST', '/api/v1/clients/web/secret', { token })
    expect(none.status).toBe(400)
  })

  test('a client that may do less afterwards loses its tokens', async () => {
    const user = await house.makeUser()
    const app = await house.makeClient({ client_id: 'app', scope: 'openid me' })
    const theirs = (await house.makeToken({ client: app, user, scope: 'me' })).token
    await house.ask('PATCH', '/api/v1/clients/app', { token, body: { client_name: 'App' } })
    expect((await house.ask('GET', '/api/v1/me', { token: theirs })).status).toBe(200)
    await house.ask('PATCH', '/api/v1/clients/app', { token, body: { scope: 'openid' } })
    expect((await house.ask('GET', '/api/v1/me', { token: theirs })).status).toBe(401)
  })

  test('a deleted one is gone, with its tokens, and its id is nobody’s ever again', async () => {
    const user = await house.makeUser()
    const app = await house.makeClient({ client_id: 'app', scope: 'openid me' })
    const theirs = (await house.makeToken({ client: app, user, scope: 'me' })).token
    expect((await house.ask('DELETE', '/api/v1/clients/app', { token })).status).toBe(204)
    expect((await house.ask('GET', '/api/v1/me', { token: theirs })).status).toBe(401)
    expect((await house.ask('DELETE', '/api/v1/clients/app', { token })).status).toBe(404)
    const again = await house.ask('POST', '/api/v1/clients', { token, body: { ...web, client_id: 'app' } })
    expect([again.status, again.body['code']]).toEqual([409, 'conflict'])
  })

  test('what metadata may not be is refused by field, with the mend', async () => {
    const bad: readonly (readonly [field: string, body: Record<string, unknown>])[] = [
      ['client_id', { client_id: 'usr_x' }],
      ['redirect_uris', { redirect_uris: ['javascript:alert(1)'] }],
      ['redirect_uris', { redirect_uris: ['https://web.example/cb#x'] }],
      ['redirect_uris', { redirect_uris: [] }],
      ['scope', { scope: 'a  b' }],
      ['client_secret', { client_secret: 'chosen' }],
      ['jwks_uri', { jwks_uri: 'https://evil.example' }],
      ['client metadata', { nonsense: true }],
      ['grant_types', { grant_types: ['password'] }],
    ]
    for (const [field, change] of bad) {
      const { status, body } = await house.ask('POST', '/api/v1/clients', { token, body: { ...web, ...change } })
      expect([field, status]).toEqual([field, 400])
      expect(body['field']).toMatch(new RegExp(`^${field}`))
    }
  })

  test('nobody reaches above himself by a client: of a scope that people must hold, only whoever holds it writes one', async () => {
    const superuser = await house.makeUser({ role: 'superuser' })
    const root = (await house.makeToken({ client: tool, user: superuser, scope: 'admin' })).token
    const holder = await house.makeUser({ role: 'admin', scopes: ['payroll'] })
    const held = (await house.makeToken({ client: tool, user: holder, scope: 'admin' })).token
    const api = { resource: 'https://pay.example', scope: 'payroll read', held_scopes: ['payroll'] }
    expect((await house.ask('POST', '/api/v1/resources', { token: root, body: api })).status).toBe(201)
    const robot = (id: string, scope: string) => ({ client_id: id, grant_types: ['client_credentials'], scope })
    const make = async (by: string, body: object) =>
      (await house.ask('POST', '/api/v1/clients', { token: by, body })).status
    expect(await make(token, robot('mine', 'payroll'))).toBe(403)
    expect(await make(token, robot('plain', 'read'))).toBe(201)
    expect(await make(held, robot('theirs', 'payroll'))).toBe(201)
    expect(await make(root, robot('roots', 'payroll'))).toBe(201)
    // A token of it is a person's, who must hold the scope himself.
    expect(await make(token, { ...web, scope: 'payroll' })).toBe(201)

    const patch = async (by: string, id: string, body: object) =>
      (await house.ask('PATCH', `/api/v1/clients/${id}`, { token: by, body })).status
    // L1: every way to one: another scope, another grant type, another's secret or keys.
    expect(await patch(token, 'plain', { scope: 'read payroll' })).toBe(403)
    expect(await patch(token, 'web', { grant_types: ['authorization_code', 'client_credentials'] })).toBe(403)
    expect(await patch(token, 'theirs', { client_name: 'Mine now' })).toBe(403)
    expect((await house.ask('POST', '/api/v1/clients/theirs/secret', { token })).status).toBe(403)
    expect((await house.ask('POST', '/api/v1/clients/theirs/secret', { token: held })).status).toBe(201)
    expect(await patch(held, 'plain', { scope: 'read payroll' })).toBe(200)
  })

  test('nobody gives himself a scope by a client that administers: only whoever holds it writes one that has both', async () => {
    const superuser = await house.makeUser({ role: 'superuser' })
    const root = (await house.makeToken({ client: tool, user: superuser, scope: 'admin' })).token
    const holder = await house.makeUser({ role: 'admin', scopes: ['curate'] })
    const held = (await house.makeToken({ client: tool, user: holder, scope: 'admin' })).token
    const robot = (id: string, scope: string) => ({ client_id: id, grant_types: ['client_credentials'], scope })
    const make = async (by: string, body: object) =>
      (await house.ask('POST', '/api/v1/clients', { token: by, body })).status
    // No API has people hold it yet: an application may go by `account_scopes`, and an API may ask for it some day.
    expect(await make(token, robot('mine', 'admin curate'))).toBe(403)
    expect(await make(held, robot('theirs', 'admin curate'))).toBe(201)
    expect(await make(root, robot('roots', 'admin curate'))).toBe(201)
    // By that one the API gets the tokens of a provider that this person keeps (RFC 8693).
    expect(await make(token, robot('exchanger', 'admin vault:etsy'))).toBe(403)
    expect(await make(root, robot('exchanger', 'admin vault:etsy'))).toBe(201)
    // An account may hold that one too, for longer than its person administers.
    expect(await make(token, robot('asker', 'admin introspect'))).toBe(403)
    expect(await make(root, robot('asker', 'admin introspect'))).toBe(201)
    // What it can't give accounts is between it and its APIs; and what everybody has, nobody needs to be given.
    expect(await make(token, robot('plain', 'curate introspect'))).toBe(201)
    expect(await make(token, robot('robot', 'admin admin:read openid profile email roles me offline_access'))).toBe(201)
    const patch = async (id: string, scope: string) =>
      (await house.ask('PATCH', `/api/v1/clients/${id}`, { token, body: { scope } })).status
    expect(await patch('plain', 'curate admin')).toBe(403)
    expect((await house.ask('POST', '/api/v1/clients/roots/secret', { token })).status).toBe(403)
  })

  test('an entry of the configuration file is read-only', async () => {
    await house.makeClient({ client_id: 'filed' })
    await setClient(house, 'filed', { managedBy: 'file' })
    const calls: readonly (readonly [method: string, path: string, body?: unknown])[] = [
      ['PATCH', '/api/v1/clients/filed', { client_name: 'X' }],
      ['DELETE', '/api/v1/clients/filed'],
      ['POST', '/api/v1/clients/filed/secret'],
    ]
    const before = await house.read(ref('client', 'filed'))
    for (const [method, path, body] of calls) {
      const answer = await house.ask(method, path, { token, body })
      expect([method, answer.status, answer.body['code']]).toEqual([method, 409, 'managed_by_file'])
    }
    expect(await house.read(ref('client', 'filed'))).toEqual(before)
    expect((await house.ask('GET', '/api/v1/clients/filed', { token })).body).toMatchObject({ managed_by: 'file' })
  })
})

describe('APIs', () => {
  const api = { resource: 'https://api.example/v1', resource_name: 'The API', scope: 'read write' }

  test('are made, found by their id in base64url, changed and forgotten', async () => {
    const made = await house.ask('POST', '/api/v1/resources', { token, body: api })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ ...api, access_token: { format: 'jwt', ttl: 900, claims: [] } })
    const path = made.header('location') ?? ''
    expect(path).toBe(`/api/v1/resources/${Buffer.from(api.resource).toString('base64url')}`)
    expect((await house.ask('GET', path, { token })).body).toEqual(made.body)
    const access_token = { format: 'opaque', ttl: 300, claims: ['username'] }
    const changed = await house.ask('PATCH', path, { token, body: { access_token, resource_name: null } })
    const { resource_name: _, ...rest } = made.body
    expect(changed.body).toEqual({ ...rest, access_token })
    expect((await house.ask('PATCH', path, { token, body: { scope: 'read' } })).body).toMatchObject({
      scope: 'read',
      access_token,
    })
    expect((await house.ask('DELETE', path, { token })).status).toBe(204)
    expect((await house.ask('GET', path, { token })).status).toBe(404)
  })

  test('what tokens look like is given as a whole: a changed lifetime never turns opaque tokens into JWTs', async () => {
    const made = await house.ask('POST', '/api/v1/resources', {
      token,
      body: { ...api, access_token: { format: 'opaque', ttl: 300, claims: [] } },
    })
    const half = await house.ask('PATCH', made.header('location') ?? '', { token, body: { access_token: { ttl: 60 } } })
    expect([half.status, half.body['field']]).toEqual([400, 'access_token.format'])
  })

  test('one that is known, ourselves, our own scopes and what is no URI are refused', async () => {
    await house.ask('POST', '/api/v1/resources', { token, body: api })
    const bad: readonly (readonly [status: number, body: Record<string, unknown>])[] = [
      [409, api],
      [400, { ...api, resource: 'https://as.example' }],
      [400, { ...api, resource: 'https://x.example/#a' }],
      [400, { ...api, resource: 'nonsense' }],
      [400, { ...api, resource: 'https://y.example', scope: 'admin' }],
      [400, { ...api, resource: 'https://y.example', access_token: { format: 'jwt', ttl: 86_400, claims: [] } }],
    ]
    for (const [status, body] of bad) {
      expect([body, (await house.ask('POST', '/api/v1/resources', { token, body })).status]).toEqual([body, status])
    }
  })

  test('an entry of the configuration file is read-only', async () => {
    const made = await house.makeResource('https://filed.example')
    const target = ref('resource', made.resource)
    await transition(house.context.transition, { resource: target }, ({ resource }) => ({
      writes: [put(resource, { ...made, managedBy: 'file' }, { expiresAt: null })],
      result: undefined,
    }))
    const path = `/api/v1/resources/${Buffer.from(made.resource).toString('base64url')}`
    for (const [method, body] of [
      ['PATCH', { scope: 'x' }],
      ['DELETE', undefined],
    ] as const) {
      expect((await house.ask(method, path, { token, body })).body['code']).toBe('managed_by_file')
    }
  })
})

describe('keys', () => {
  test('L9: what is known of them, and nothing of the keys themselves', async () => {
    const { body } = await house.ask('GET', '/api/v1/keys', { token })
    const items = body['items'] as readonly Record<string, unknown>[]
    expect(new Set(items.map(({ ring }) => ring))).toEqual(
      new Set([
        'signing-ES256',
        'signing-RS256',
        'signing-EdDSA',
        'token-seal',
        'at-rest',
        'mac',
        'macaroon-root',
        'cookie',
        'cursor',
      ]),
    )
    for (const item of items)
      expect(Object.keys(item)).toEqual([
        'key_id',
        'ring',
        'state',
        'created_at',
        'active_from',
        'retired_at',
        'remove_at',
      ])
  })

  test('K15: a superuser reads no sealed and no root bytes either, of no key', async () => {
    const root = await house.makeUser({ role: 'superuser' })
    const { token: highest } = await house.makeToken({ client: tool, user: root, scope: 'admin' })
    const { status, text } = await house.ask('GET', '/api/v1/keys', { token: highest })
    expect(status).toBe(200)
    const secrets = secretRings.map((ring) => house.context.keys.secret(ring).key.export())
    for (const ring of rings) {
      const { records } = await house.store.list('key', ring, { limit: 10 })
      expect(records.length, ring).toBeGreaterThan(0)
      for (const { value } of records) {
        const { sealed, keyId } = value as KeyRecord
        expect(text).toContain(keyId)
        expect(text).not.toContain(sealed)
      }
    }
    for (const bytes of secrets)
      for (const alphabet of ['base64', 'base64url', 'hex'] as const)
        expect(text).not.toContain(bytes.toString(alphabet).replace(/=+$/, ''))
  })
})

test('the store going away is 503 with a time to wait, never a guess', async () => {
  const broken = await openHouse()
  const admin = await broken.makeUser({ role: 'admin' })
  const client = await broken.makeClient({})
  const made = await broken.makeToken({ client, user: admin, scope: 'admin' })
  await broken.close()
  for (const [method, path, body] of [
    ['GET', '/api/v1/users', undefined],
    ['POST', '/api/v1/users', { username: 'x' }],
    ['GET', '/api/v1/me/session', undefined],
  ] as const) {
    const answer = await broken.ask(method, path, { token: made.token, body })
    expect([answer.status, answer.body['code'], answer.header('retry-after')]).toEqual([
      503,
      'temporarily_unavailable',
      '1',
    ])
  }
})
