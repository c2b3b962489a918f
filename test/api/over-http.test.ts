import { afterAll, beforeAll, expect, test } from 'vitest'
import { operations } from '../../src/api/operations.ts'
import { epochOf } from '../../src/domain/epoch.ts'
import { create, ref } from '../../src/domain/record.ts'
import { commitNew } from '../../src/store/transition.ts'
import { mint } from '../../src/tokens/mint.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let token: string
beforeAll(async () => {
  server = await startGatehouse()
  const { core } = server
  const { record: client } = await server.makeClient({
    client_id: 'tool',
    scope: 'me admin',
    redirect_uris: ['https://t.example/cb'],
  })
  const user = await server.makeUser('ada', { role: 'superuser' })
  const now = core.clock.seconds()
  const grantId = core.random.id(core.clock.millis())
  const authentication = { authTime: now, acr: 'pwd', amr: ['pwd'] }
  const epoch = epochOf(await core.directory.instance(), user, client)
  const scope = ['me', 'admin']
  const grant = {
    v: 1,
    clientId: 'tool',
    userId: user.userId,
    scope,
    resources: [],
    epoch,
    createdAt: now,
    authentication,
  } as const
  await commitNew(core.transition, [
    create(ref('grant', grantId), grant, { owners: [user.userId], expiresAt: now + 3_600 }),
  ])
  token = mint(core.keys, {
    issuer: core.issuer,
    client,
    subject: user.userId,
    scope,
    audience: [core.issuer],
    format: 'jwt',
    ttl: 900,
    now,
    jti: core.random.id(core.clock.millis()),
    grantId,
    epoch,
    authentication,
  }).accessToken
})
afterAll(() => server.close())

const ask = (
  method: string,
  path: string,
  { body, headers = {} }: { body?: string; headers?: Record<string, string> } = {},
) =>
  fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  })
const codeOf = async (response: Response): Promise<unknown> => ((await response.json()) as { code?: unknown }).code

test('every operation of the table is routed, and shut without a token unless it is for everybody', async () => {
  for (const { method, path, id, policy } of operations) {
    const filled = path.replace('{user_id}', 'usr_AAAAAAAAAAAAAAAAAAAAAA').replaceAll(/\{\w+\}/g, 'x')
    const response = await ask(method, filled, { headers: { authorization: '' } })
    const isOpen = policy.who === 'anybody'
    expect([id, response.status]).toEqual([id, isOpen ? 400 : 401])
    const scheme = policy.who === 'signer' ? /^Signature / : /^Bearer /
    if (!isOpen) expect(response.headers.get('www-authenticate')).toMatch(scheme)
    expect(response.headers.get('cache-control')).toBe('no-store')
    await response.arrayBuffer()
  }
})

test('the longest identifier of an API has a path', async () => {
  const resource = `https://api.example/${'a'.repeat(1_004)}`
  expect(resource).toHaveLength(1_024)
  const made = await ask('POST', '/api/v1/resources', { body: JSON.stringify({ resource }) })
  expect(made.status).toBe(201)
  const found = await ask('GET', made.headers.get('location') ?? '')
  expect(await found.json()).toEqual(await made.json())
})

test('J04: no more than 64 KiB, and 1 MiB for a client with many redirect URIs', async () => {
  const padded = (length: number) => JSON.stringify({ full_name: 'a'.repeat(length) })
  expect((await ask('PATCH', '/api/v1/me', { body: padded(65_000) })).status).toBe(400)
  expect(await codeOf(await ask('PATCH', '/api/v1/me', { body: padded(66_000) }))).toBe('too_large')
  const redirect_uris = Array.from({ length: 50 }, (_, index) => `https://app.example/${index}/${'a'.repeat(1_900)}`)
  expect((await ask('POST', '/api/v1/clients', { body: JSON.stringify({ redirect_uris }) })).status).not.toBe(413)
  expect(await codeOf(await ask('POST', '/api/v1/clients', { body: padded(1_100_000) }))).toBe('too_large')
})

test('J06: bodies are JSON and say so', async () => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-7',
    'multipart/form-data; boundary=x',
  ]) {
    const response = await ask('PATCH', '/api/v1/me', { body: '{}', headers: { 'content-type': type } })
    expect([type, response.status, await codeOf(response)]).toEqual([type, 415, 'unsupported_media_type'])
  }
})

test('J07: an override header overrides nothing, and another method is 405 with the right ones', async () => {
  const put = await ask('PUT', '/api/v1/users', { body: '{}', headers: { 'x-http-method-override': 'POST' } })
  expect([put.status, await codeOf(put)]).toEqual([405, 'method_not_allowed'])
  expect(put.headers.get('allow')).toBe('GET, POST')
  const get = await ask('GET', '/api/v1/me', { headers: { 'x-http-method-override': 'DELETE' } })
  expect(get.status).toBe(200)
})
