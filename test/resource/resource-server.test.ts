import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createResourceServer, sign, type ResourceServer } from '../../src/resource/index.ts'
import { createIntrospection } from '../../src/resource/introspect.ts'
import { createShortMemory } from '../../src/resource/short-memory.ts'
import { createBrowser } from '../kit/browser.ts'
import { tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { signed, type Signer } from '../kit/sign.ts'

const [notes, door] = ['https://notes.example', 'https://door.example']

let server: TestGatehouse
let app: MadeClient
let api: MadeClient
let robot: Signer
let asked: string[] = []
let isDown = false

beforeAll(async () => {
  server = await startGatehouse()
  app = await server.makeClient()
  const none = { grant_types: ['client_credentials'], redirect_uris: [], scope: '' }
  api = await server.makeClient({ ...none, client_id: 'api' })
  await server.makeClient({ ...none, client_id: 'other-api' })
  const made = await server.makeClient({ ...none, ...signing, client_id: 'robot', scope: 'read other' })
  robot = { clientId: 'robot', key: { secret: made.secret } }
  const own = { scope: 'read write', introspection_clients: ['api'] }
  await server.makeResource({ ...own, resource: notes, access_token: { format: 'jwt', ttl: 900 } })
  await server.makeResource({ ...own, resource: door, access_token: { format: 'opaque', ttl: 900 } })
})
afterAll(() => server.close())

const signing = { token_endpoint_auth_method: 'http_message_signature' }

function open(resource: string, more: { readonly memorySeconds?: number; readonly key?: string } = {}): ResourceServer {
  asked = []
  isDown = false
  return createResourceServer({
    issuer: server.url,
    resource,
    client: { clientId: 'api', clientSecret: api.secret },
    now: server.clock.seconds,
    fetch: (url, init) => {
      asked.push(url.slice(server.url.length))
      return isDown ? Promise.reject(new Error('down')) : fetch(url, init)
    },
    ...(more.memorySeconds !== undefined && { memorySeconds: more.memorySeconds }),
  })
}

const tokenFor = async (resource: string) => {
  const form = { grant_type: 'client_credentials', scope: 'read', resource }
  return String((await tokenRequest(server, app, form)).json()['access_token'])
}

async function statusOf(guard: ResourceServer, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const verdict = await guard.check({ method: 'GET', target: '/', headers, body: () => new Uint8Array() })
  return 'refused' in verdict ? verdict.refused.status : 200
}

/** A token as ours, but naming a key that nobody has. */
const strangeKey = (token: string, kid: string): string => {
  const [, body, signature] = token.split('.')
  const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url')
  return `${header}.${body}.${signature}`
}

describe('offline verification', () => {
  test('RFC 8414, RFC 7517: metadata and keys are read once, at the first token', async () => {
    const guard = open(notes)
    expect(asked).toEqual([])
    const tokens = await Promise.all([tokenFor(notes), tokenFor(notes), tokenFor(notes)])
    expect(await Promise.all(tokens.map((token) => statusOf(guard, token)))).toEqual([200, 200, 200])
    expect(asked).toEqual(['/.well-known/oauth-authorization-server', '/.well-known/jwks.json'])
  })

  test('an unknown kid is looked for once a minute, however many come', async () => {
    const guard = open(notes)
    const token = await tokenFor(notes)
    expect(await statusOf(guard, token)).toBe(200)
    asked = []
    for (let number = 0; number < 20; number += 1)
      expect(await statusOf(guard, strangeKey(token, `stranger-${number}`))).toBe(401)
    expect(asked).toEqual(['/.well-known/jwks.json'])
    server.clock.advance(61)
    expect(await statusOf(guard, strangeKey(token, 'stranger'))).toBe(401)
    expect(asked).toHaveLength(2)
  })

  test('while the keys can’t be read nobody is let in and no token is called bad; then those known go on for an hour', async () => {
    const guard = open(notes)
    const token = await tokenFor(notes)
    isDown = true
    expect(await statusOf(guard, token)).toBe(503)
    server.clock.advance(6)
    isDown = false
    expect(await statusOf(guard, token)).toBe(200)
    isDown = true
    server.clock.advance(700)
    expect(await statusOf(guard, await tokenFor(notes))).toBe(200)
    server.clock.advance(3600)
    expect(await statusOf(guard, await tokenFor(notes))).toBe(503)
  })

  test('an expired token is refused, whatever was proved before', async () => {
    const guard = open(notes)
    const token = await tokenFor(notes)
    expect(await statusOf(guard, token)).toBe(200)
    server.clock.advance(901)
    expect(await statusOf(guard, token)).toBe(401)
  })

  test('RFC 9470: what takes a recent sign-in is for no client that acts for itself', async () => {
    const headers = { authorization: `Bearer ${await tokenFor(notes)}` }
    const call = { method: 'GET', target: '/', headers, body: () => new Uint8Array() }
    expect(await open(notes).check(call, { maxAge: 60 })).toMatchObject({
      refused: {
        status: 401,
        headers: expect.arrayContaining([['www-authenticate', expect.stringContaining('max_age="60"')]]) as unknown,
      },
    })
  })

  test('L3: of two tokens none counts, whichever a server gives first', async () => {
    const headers = { authorization: `Bearer ${await tokenFor(notes)}` }
    const call = { method: 'GET', target: '/', headers, body: () => new Uint8Array() }
    const guard = open(notes)
    expect(await guard.check(call)).toMatchObject({ caller: { provedBy: 'jwt' } })
    const twice = { ...call, repeated: new Set(['authorization']) }
    for (const wants of [{}, { optional: true }])
      expect(await guard.check(twice, wants)).toMatchObject({ refused: { status: 401 } })
  })

  test('a server that calls itself otherwise is none of ours', async () => {
    const guard = createResourceServer({
      issuer: 'https://login.example',
      resource: notes,
      now: server.clock.seconds,
      fetch: (url, init) => fetch(url.replace('https://login.example', server.url), init),
    })
    expect(await statusOf(guard, await tokenFor(notes))).toBe(503)
  })
})

describe('introspection', () => {
  const revoke = (token: string) =>
    createBrowser(server.url).ask('/oauth/revoke', { form: { token }, headers: { authorization: app.basic } })

  test('an answer is believed for five seconds: so long, and no longer, a revoked token lives on', async () => {
    const guard = open(door)
    const token = await tokenFor(door)
    expect(await statusOf(guard, token)).toBe(200)
    await revoke(token)
    // The time that asking takes goes by, too.
    server.clock.advance(2)
    expect(await statusOf(guard, token)).toBe(200)
    server.clock.advance(4)
    expect(await statusOf(guard, token)).toBe(401)
  })

  test('with memorySeconds 0 a revocation is heard of at once', async () => {
    const guard = open(door, { memorySeconds: 0 })
    const token = await tokenFor(door)
    expect(await statusOf(guard, token)).toBe(200)
    await revoke(token)
    expect(await statusOf(guard, token)).toBe(401)
  })

  test('that nobody could say is never remembered, and lets nobody in', async () => {
    const guard = open(door)
    const token = await tokenFor(door)
    expect(await statusOf(guard, token)).toBe(200)
    isDown = true
    expect(await statusOf(guard, await tokenFor(door))).toBe(503)
    isDown = false
    expect(await statusOf(guard, await tokenFor(door))).toBe(200)
  })

  test('K13: a no is never a yes nor another call’s, and made-up tokens push out no answer about an honest one', async () => {
    let questions = 0
    const answers: typeof fetch = (_url, init) => {
      questions += 1
      const asked = init?.body instanceof URLSearchParams ? init.body : new URLSearchParams()
      const active = asked.get('token') === 'honest' && asked.get('caveat_context') !== '{"path":"/other"}'
      const about = active ? { aud: door, sub: 'usr_1', client_id: 'app', exp: 2_000 } : {}
      return Promise.resolve(Response.json({ active, ...about }))
    }
    const ask = createIntrospection(
      () => Promise.resolve('https://as.example/oauth/introspect'),
      { fetch: answers, now: () => 1_000, resource: door, authorization: 'Basic x' },
      5,
    )
    expect(await ask('honest', undefined)).toMatchObject({ subject: 'usr_1' })
    for (let count = 0; count < 3_000; count += 1)
      expect(await ask(`made-up-${count}`, undefined)).not.toHaveProperty('subject')
    expect(questions).toBe(3_001)
    expect(await ask('honest', undefined)).toMatchObject({ subject: 'usr_1' })
    expect(await ask('made-up-2999', undefined)).toEqual({ invalid: 'token' })
    expect(questions).toBe(3_001)
    // The no to one call is no answer to another, in either order.
    expect(await ask('honest', { path: '/other' })).toEqual({ invalid: 'token' })
    expect(await ask('honest', { path: '/here' })).toMatchObject({ subject: 'usr_1' })
    expect(await ask('honest', { path: '/other' })).toEqual({ invalid: 'token' })
    expect(questions).toBe(3_003)
  })

  test('an answer is believed no longer than its token holds', async () => {
    let now = 1_000
    const ask = createIntrospection(
      () => Promise.resolve('https://as.example/oauth/introspect'),
      {
        fetch: () =>
          Promise.resolve(Response.json({ active: true, aud: door, sub: 'usr_1', client_id: 'app', exp: 1_002 })),
        now: () => now,
        resource: door,
        authorization: 'Basic x',
      },
      5,
    )
    expect(await ask('brief', undefined)).toMatchObject({ subject: 'usr_1' })
    now = 1_002
    expect(await ask('brief', undefined)).toEqual({ invalid: 'token' })
  })

  test('what is remembered is bounded: the oldest makes room', () => {
    const memory = createShortMemory<number>(3, () => 0)
    for (let number = 0; number < 5; number += 1) memory.keep(String(number), number, 10)
    expect([0, 1, 2, 3, 4].map((number) => memory.recall(String(number)))).toEqual([undefined, undefined, 2, 3, 4])
  })

  test('an API without a client of its own understands JWTs alone', async () => {
    const guard = createResourceServer({ issuer: server.url, resource: door, now: server.clock.seconds })
    expect(await statusOf(guard, await tokenFor(door))).toBe(401)
  })

  test.each([
    [{ issuer: 'https://login.example/' }, /issuer/],
    [{ resource: 'notes' }, /resource/],
    [{ memorySeconds: 60 }, /memorySeconds/],
    [{ memorySeconds: Number.NaN }, /memorySeconds/],
  ])('options that can’t be meant are refused: %j', (wrong, message) => {
    expect(() => createResourceServer({ issuer: 'https://login.example', resource: notes, ...wrong })).toThrow(message)
  })
})

describe('POST /oauth/signed-request: who signed a request to an API', () => {
  const url = `${notes}/list?page=1`
  const honest = (by: Signer = robot, target = url) =>
    signed({ method: 'GET', url: target }, by, { now: server.clock.seconds() })

  async function ask(
    form: Readonly<Record<string, string>>,
    { client = api, headers = honest() }: { readonly client?: MadeClient; readonly headers?: object } = {},
  ) {
    const fields = { resource: notes, method: 'GET', target_uri: url, headers: JSON.stringify(headers), ...form }
    return createBrowser(server.url).ask('/oauth/signed-request', {
      form: fields,
      headers: { authorization: client.basic },
    })
  }

  test('answers as introspection does: the client, and what it may do there', async () => {
    const answer = await ask({})
    expect(answer.json()).toMatchObject({
      active: true,
      sub: 'robot',
      client_id: 'robot',
      aud: notes,
      scope: 'read',
      token_type: 'http-message-signature',
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.text).not.toContain('gth_cs_')
  })

  const inactive = { active: false }

  test('only the API itself may ask, about its own addresses; others learn nothing and use up nothing', async () => {
    const headers = honest()
    const other = await server.makeClient({
      client_id: 'third-api',
      grant_types: ['client_credentials'],
      scope: 'introspect',
    })
    expect((await ask({}, { client: other, headers })).json()).toEqual(inactive)
    expect((await ask({ resource: 'https://unknown.example' }, { headers })).json()).toEqual(inactive)
    expect((await ask({ resource: door }, { headers })).json()).toEqual(inactive)
    expect((await ask({}, { headers })).json()).toMatchObject({ active: true })
    const elsewhere = 'https://notes.example.evil.example/list'
    expect((await ask({ target_uri: elsewhere }, { headers: honest(robot, elsewhere) })).json()).toEqual(inactive)
    const token = `${server.url}/oauth/token`
    expect((await ask({ target_uri: token }, { headers: honest(robot, token) })).json()).toEqual(inactive)
  })

  test('a signed call is what a client could get a token for, and no more', async () => {
    const make = (clientId: string, more: object) =>
      server.makeClient({
        grant_types: ['client_credentials'],
        redirect_uris: [],
        scope: 'read',
        ...signing,
        client_id: clientId,
        ...more,
      })
    const elsewhere = await make('elsewhere', { resources: [door] })
    const people = await make('people', {
      grant_types: ['authorization_code'],
      redirect_uris: ['https://app.example/cb'],
    })
    const local = await make('local', { loopback_only: true })
    for (const { clientId, secret } of [elsewhere, people, local, app]) {
      const headers = honest({ clientId, key: { secret } })
      expect((await ask({}, { headers })).json(), clientId).toEqual(inactive)
    }
  })

  test('what isn’t a signature is inactive; what isn’t a question is an error', async () => {
    for (const headers of [{}, { signature: 'x', 'signature-input': 'y' }])
      expect((await ask({}, { headers })).json()).toEqual(inactive)
    for (const form of [{ headers: '[]' }, { headers: '{' }, { headers: '{"a":1}' }, { method: '' }, { resource: '' }])
      expect((await ask(form)).json()).toMatchObject({ error: 'invalid_request' })
    const spa = await server.makeClient({
      client_id: 'spa',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
    })
    const open = await createBrowser(server.url).ask('/oauth/signed-request', {
      form: { client_id: spa.clientId, resource: notes },
    })
    expect(open.status).toBe(401)
  })

  test('wrong signatures that strangers send an API don’t shut its client out', async () => {
    const headers = honest({ clientId: 'robot', key: { secret: 'wrong' } })
    for (let tries = 0; tries < 40; tries += 1) expect((await ask({}, { headers })).json()).toEqual(inactive)
    expect((await ask({})).json()).toMatchObject({ active: true })
  })

  test('sign() makes such a request with the time and a nonce of its own', async () => {
    const fresh = await startGatehouse()
    const about = { ...signing, grant_types: ['client_credentials'], redirect_uris: [], scope: 'read' }
    const made = await fresh.makeClient({ ...about, client_id: 'robot' })
    const asking = await fresh.makeClient({ client_id: 'api' })
    await fresh.makeResource({ resource: notes, scope: 'read', introspection_clients: ['api'] })
    const guard = createResourceServer({
      issuer: fresh.url,
      resource: notes,
      client: { clientId: 'api', clientSecret: asking.secret },
    })
    const by = { clientId: 'robot', key: { secret: made.secret } }
    const headers = sign({ method: 'GET', url }, by)
    expect(sign({ method: 'GET', url }, by)).not.toEqual(headers)
    const call = { method: 'GET', target: '/list?page=1', headers, body: () => new Uint8Array() }
    expect(await guard.check(call)).toMatchObject({ caller: { clientId: 'robot', scope: ['read'] } })
    await fresh.close()
  })
})
