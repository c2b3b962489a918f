import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { fastify } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mintToken } from '../../src/accounts/mint-token.ts'
import type { User } from '../../src/domain/user.ts'
import { callerOf, createResourceServer, keepRawBody, type ResourceServer } from '../../src/resource/index.ts'
import { codeFlow, tokenRequest } from '../kit/flow.ts'
import { freePort } from '../kit/free-port.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { narrow } from '../kit/macaroons.ts'
import { signed, type Signer } from '../kit/sign.ts'

const ed25519 = generateKeyPairSync('ed25519')

/** One API behind each kind of server, all with the same routes. */
type Site = { readonly name: string; readonly url: string; readonly close: () => Promise<unknown> }

let server: TestGatehouse
let ada: User
let app: MadeClient
let api: MadeClient
let robot: Signer
let coded: MadeClient
let sites: Readonly<Record<string, Site>>
let asked: string[]

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  app = await server.makeClient()
  api = await server.makeClient({ client_id: 'api', grant_types: ['client_credentials'], redirect_uris: [], scope: '' })
  const own = { grant_types: ['client_credentials'], redirect_uris: [], scope: 'read other' }
  const signing = { ...own, token_endpoint_auth_method: 'http_message_signature' }
  robot = {
    clientId: 'robot',
    key: { privateKey: String(ed25519.privateKey.export({ format: 'pem', type: 'pkcs8' })) },
  }
  await server.makeClient({
    ...signing,
    client_id: 'robot',
    jwks: { keys: [ed25519.publicKey.export({ format: 'jwk' })] },
  })
  coded = await server.makeClient({ ...signing, client_id: 'coded', require_one_time_code: true })
  asked = []
  sites = Object.fromEntries(
    await Promise.all(
      [openExpress, openFastify, openFetch].map(async (open) => {
        const site = await open()
        return [site.name, site] as const
      }),
    ),
  )
})
afterAll(async () => {
  await Promise.all(Object.values(sites).map((site) => site.close()))
  await server.close()
})

async function guardAt(port: number, format: string): Promise<ResourceServer> {
  const resource = `http://127.0.0.1:${port}`
  await server.makeResource({
    resource,
    scope: 'read write',
    access_token: { format, ttl: 300 },
    introspection_clients: ['api'],
  })
  return createResourceServer({
    issuer: server.url,
    resource,
    client: { clientId: 'api', clientSecret: api.secret },
    now: server.clock.seconds,
    fetch: (url, init) => {
      asked.push(url.slice(server.url.length))
      return fetch(url, init)
    },
  })
}

const told = (caller: ReturnType<typeof callerOf>) => ({
  caller: caller?.clientId ?? null,
  by: caller?.provedBy ?? null,
})

async function openExpress(): Promise<Site> {
  const port = await freePort()
  const guard = await guardAt(port, 'jwt')
  const site = express()
  site.use(express.json({ verify: keepRawBody }))
  site.get(
    '/read',
    guard.express({ scope: 'read' }),
    (request, response) => void response.json(told(callerOf(request))),
  )
  site.post('/read', guard.express({ scope: 'read' }), (request, response) => {
    response.json({ ...told(callerOf(request)), body: request.body as unknown })
  })
  site.get('/write', guard.express({ scope: 'write' }), (_request, response) => void response.json({}))
  site.get(
    '/open',
    guard.express({ optional: true }),
    (request, response) => void response.json(told(callerOf(request))),
  )
  site.get(
    '/signed',
    guard.express({ signed: true }),
    (request, response) => void response.json(told(callerOf(request))),
  )
  site.get('/fresh', guard.express({ maxAge: 60, acr: ['pwd', 'mfa'] }), (_request, response) => void response.json({}))
  const listening = site.listen(port, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  return { name: 'express', url: `http://127.0.0.1:${port}`, close: () => new Promise((end) => listening.close(end)) }
}

async function openFastify(): Promise<Site> {
  const port = await freePort()
  const guard = await guardAt(port, 'opaque')
  const site = fastify()
  site.get('/read', { ...guard.fastify({ scope: 'read' }) }, (request) => told(callerOf(request)))
  site.post('/read', { ...guard.fastify({ scope: 'read' }) }, (request) => ({
    ...told(callerOf(request)),
    body: request.body,
  }))
  site.get('/write', { ...guard.fastify({ scope: 'write' }) }, () => ({}))
  site.get('/open', { ...guard.fastify({ optional: true }) }, (request) => told(callerOf(request)))
  site.get('/signed', { ...guard.fastify({ signed: true }) }, (request) => told(callerOf(request)))
  site.get('/fresh', { ...guard.fastify({ maxAge: 60, acr: ['pwd', 'mfa'] }) }, () => ({}))
  await site.listen({ port, host: '127.0.0.1' })
  return { name: 'fastify', url: `http://127.0.0.1:${port}`, close: () => site.close() }
}

/** A handler of `Request`, behind the smallest bridge from Node. */
async function openFetch(): Promise<Site> {
  const port = await freePort()
  const guard = await guardAt(port, 'macaroon')
  const url = `http://127.0.0.1:${port}`
  const say = (value: unknown) =>
    new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } })
  const addressOf = (_request: Request, address: string | undefined) => address
  const routes: Readonly<Record<string, (request: Request, address: string | undefined) => Promise<Response>>> = {
    '/read': guard.fetch({ scope: 'read', endpoint: 'reading', addressOf }, async (request, caller) =>
      say({ ...told(caller), ...(request.method === 'POST' && { body: await request.json() }) }),
    ),
    '/write': guard.fetch({ scope: 'write' }, () => say({})),
    '/open': guard.fetch({ optional: true }, (_request, caller) => say(told(caller))),
    '/signed': guard.fetch({ signed: true }, (_request, caller) => say(told(caller))),
    '/fresh': guard.fetch({ maxAge: 60, acr: ['pwd', 'mfa'] }, () => say({})),
  }
  const bridge = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)])
      const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }
      const request = new Request(`${url}${incoming.url}`, { method: incoming.method ?? 'GET', headers, ...body })
      const answer = await routes[new URL(request.url).pathname]?.(request, incoming.socket.remoteAddress)
      outgoing.writeHead(answer?.status ?? 404, Object.fromEntries(answer?.headers ?? []))
      outgoing.end(await answer?.text())
    })()
  })
  await new Promise<void>((resolve) => bridge.listen(port, '127.0.0.1', resolve))
  expect((bridge.address() as AddressInfo).port).toBe(port)
  return { name: 'fetch', url, close: () => new Promise((end) => bridge.close(end)) }
}

const kinds = ['express', 'fastify', 'fetch'] as const
const at = (kind: string): Site => sites[kind] ?? { name: '', url: '', close: () => Promise.resolve() }

async function tokenFor(kind: string, scope = 'read'): Promise<string> {
  const form = { grant_type: 'client_credentials', scope, resource: at(kind).url }
  return String((await tokenRequest(server, app, form)).json()['access_token'])
}

/** A token that the signing client got for itself, without a secret on the wire. */
async function robotsToken(kind: string): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'read',
    resource: at(kind).url,
  }).toString()
  const request = { method: 'POST', url: `${server.url}/oauth/token`, body }
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...signed(request, robot, { now: server.clock.seconds() }),
  }
  const answer = await fetch(request.url, { method: 'POST', headers, body })
  return ((await answer.json()) as { access_token: string }).access_token
}

async function call(kind: string, path: string, headers: Readonly<Record<string, string>> = {}, body?: string) {
  const answer = await fetch(`${at(kind).url}${path}`, {
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { method: 'POST', body }),
  })
  return {
    status: answer.status,
    challenge: answer.headers.get('www-authenticate') ?? '',
    accepts: answer.headers.get('accept-signature'),
    json: (await answer.json()) as Readonly<Record<string, unknown>>,
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe.each(kinds)('gatehouse/resource behind %s', (kind) => {
  test('a token for it is let in: a JWT verified offline, others by asking', async () => {
    const token = await tokenFor(kind)
    await call(kind, '/read', bearer(token))
    asked.length = 0
    const by = kind === 'express' ? 'jwt' : 'introspection'
    expect(await call(kind, '/read', bearer(token))).toMatchObject({ status: 200, json: { caller: 'app', by } })
    // Neither a JWT whose key is known nor an answer of a moment ago asks anybody.
    expect(asked).toEqual([])
  })

  test('RFC 6750 §3.1: without a token it says what is wanted, and of no error', async () => {
    const { status, challenge, json } = await call(kind, '/read')
    expect(status).toBe(401)
    expect(challenge).toBe(`Bearer realm="${at(kind).url}", scope="read"`)
    expect(json).toEqual({})
  })

  test('C13, C14, C21, C22: another audience, another kind, a changed token, lax headers', async () => {
    const good = await tokenFor(kind)
    const { tokens } = await codeFlow(server, app, 'ada')
    const other = await tokenFor(kind === 'express' ? 'fastify' : 'express')
    for (const authorization of [
      `Bearer ${other}`,
      `Bearer ${tokens.access_token}`,
      `Bearer ${tokens.id_token}`,
      `Bearer ${tokens.refresh_token}`,
      `Bearer ${good.slice(0, -4)}AAAA`,
      `Bearer  ${good}`,
      `Bearer ${good}, Bearer ${good}`,
      `Basic ${btoa('app:x')}`,
      app.basic,
      'Bearer',
    ]) {
      const { status, challenge } = await call(kind, '/read', { authorization })
      expect({ status, authorization }).toEqual({ status: 401, authorization })
      expect(challenge).toContain('error="invalid_token"')
    }
    expect((await call(kind, `/read?access_token=${good}`)).status).toBe(401)
  })

  test('RFC 6750 §3.1: too little scope is 403 and names what is needed', async () => {
    const { status, challenge } = await call(kind, '/write', bearer(await tokenFor(kind)))
    expect(status).toBe(403)
    expect(challenge).toContain('error="insufficient_scope"')
    expect(challenge).toContain('scope="write"')
  })

  test('optional: no token is public, a good one is somebody, a bad one is refused', async () => {
    expect(await call(kind, '/open')).toMatchObject({ status: 200, json: { caller: null } })
    expect(await call(kind, '/open', bearer(await tokenFor(kind)))).toMatchObject({ json: { caller: 'app' } })
    expect((await call(kind, '/open', bearer('nonsense'))).status).toBe(401)
    expect((await call(kind, '/open', { authorization: 'nonsense' })).status).toBe(401)
    expect((await call(kind, '/open', { signature: 'sig=:YQ==:' })).status).toBe(401)
  })

  test('RFC 9470 §3: what needs a recent sign-in is told how recent, and in which contexts', async () => {
    const { status, challenge } = await call(kind, '/fresh', bearer(await tokenFor(kind)))
    expect(status).toBe(401)
    expect(challenge).toContain('error="insufficient_user_authentication"')
    expect(challenge).toContain('max_age="60", acr_values="pwd mfa"')
  })

  test('RFC 9421: a signed request is its client’s, once, and no key left the server', async () => {
    const request = { method: 'GET', url: `${at(kind).url}/read?page=2` }
    const headers = signed(request, robot, { now: server.clock.seconds() })
    expect(await call(kind, '/read?page=2', headers)).toMatchObject({
      status: 200,
      json: { caller: 'robot', by: 'signature' },
    })
    expect((await call(kind, '/read?page=2', headers)).status).toBe(401)
    for (const path of ['/read', '/read?page=3', '/open?page=2']) {
      const fresh = signed(request, robot, { now: server.clock.seconds() })
      expect((await call(kind, path, fresh)).status, path).toBe(401)
    }
  })

  test('RFC 9530: the body that was signed is the body that counts', async () => {
    const body = '{"note":"ü"}'
    const request = { method: 'POST', url: `${at(kind).url}/read`, body }
    const sign = () => signed(request, robot, { now: server.clock.seconds() })
    expect(await call(kind, '/read', sign(), body)).toMatchObject({ status: 200, json: { body: { note: 'ü' } } })
    expect((await call(kind, '/read', sign(), '{"note":"u"}')).status).toBe(401)
    const { 'content-digest': _digest, ...bare } = sign()
    expect((await call(kind, '/read', bare, body)).status).toBe(401)
    const empty = signed({ method: 'POST', url: request.url }, robot, { now: server.clock.seconds() })
    expect((await call(kind, '/read', empty, body)).status).toBe(401)
    expect(
      (await call(kind, '/read', { ...empty, 'content-digest': sign()['content-digest'] ?? '' }, body)).status,
    ).toBe(401)
  })

  test('S06: a token that another client signs with is stolen; one that its own signs is covered', async () => {
    const headers = bearer(await tokenFor(kind))
    const request = { method: 'GET', url: `${at(kind).url}/read`, headers }
    const stolen = signed(request, robot, { now: server.clock.seconds() })
    expect((await call(kind, '/read', { ...headers, ...stolen })).status).toBe(401)

    const own = bearer(await robotsToken(kind))
    const covered = signed({ ...request, headers: own }, robot, { now: server.clock.seconds() })
    expect(await call(kind, '/read', { ...own, ...covered })).toMatchObject({ status: 200, json: { caller: 'robot' } })
    // Without it anybody could put another token of that client in its place.
    const uncovered = signed({ method: 'GET', url: request.url }, robot, { now: server.clock.seconds() })
    expect((await call(kind, '/read', { ...own, ...uncovered })).status).toBe(401)
    const another = bearer(await robotsToken(kind))
    const swapped = signed({ ...request, headers: own }, robot, { now: server.clock.seconds() })
    expect((await call(kind, '/read', { ...another, ...swapped })).status).toBe(401)
  })

  test('a call that must be signed says so (RFC 9421 §5.1), and a token alone isn’t enough', async () => {
    const { status, accepts } = await call(kind, '/signed', bearer(await tokenFor(kind)))
    expect(status).toBe(401)
    expect(accepts).toContain('"@target-uri"')
    const headers = signed({ method: 'GET', url: `${at(kind).url}/signed` }, robot, { now: server.clock.seconds() })
    expect((await call(kind, '/signed', headers)).status).toBe(200)
  })

  test('S08: a client that must send a one-time code sends it to the API too, each once', async () => {
    const by = { clientId: 'coded', key: { secret: coded.secret }, oneTimeCodeSecret: coded.oneTimeCodeSecret }
    const request = { method: 'GET', url: `${at(kind).url}/read` }
    server.clock.advance(90)
    const { oneTimeCodeSecret: _none, ...without } = by
    expect((await call(kind, '/read', signed(request, without, { now: server.clock.seconds() }))).status).toBe(401)
    expect((await call(kind, '/read', signed(request, by, { now: server.clock.seconds() }))).status).toBe(200)
    expect((await call(kind, '/read', signed(request, by, { now: server.clock.seconds() }))).status).toBe(401)
  })
})

describe('macaroons at an API', () => {
  test.each(kinds)('K: `ip =` is measured by where the call comes from, behind %s too', async (kind) => {
    const wanted = { format: 'macaroon', resource: at(kind).url, scope: ['read'] } as const
    const made = await mintToken(server.core, { actor: { kind: 'cli' }, userId: ada.userId }, wanted)
    const from = (ip: string) => bearer(narrow('done' in made ? made.done.token : '', `ip = ${ip}`))
    expect((await call(kind, '/read', from('127.0.0.1'))).status).toBe(200)
    expect((await call(kind, '/read', from('192.0.2.1'))).status).toBe(401)
  })

  test('K: a fetch handler that isn’t told the address meets no caveat about it', async () => {
    const token = narrow(await tokenFor('fetch'), 'ip = 127.0.0.1')
    expect((await call('fetch', '/read', bearer(token))).status).toBe(200)
    expect((await call('fetch', '/open', bearer(token))).status).toBe(401)
  })

  test('K: what their holder narrowed is measured by the call: path, method, endpoint', async () => {
    const token = await tokenFor('fetch')
    expect(token).toMatch(/^gth_mc_/)
    const narrowed = (...caveats: string[]) => bearer(narrow(token, ...caveats))
    expect((await call('fetch', '/read', narrowed('path = /read', 'method = GET', 'endpoint = reading'))).status).toBe(
      200,
    )
    expect((await call('fetch', '/read', narrowed('path = /write'))).status).toBe(401)
    expect((await call('fetch', '/read', narrowed('endpoint = writing'))).status).toBe(401)
    expect((await call('fetch', '/read', narrowed('method = GET'), '{}')).status).toBe(401)
    // The same macaroon elsewhere is another question: no answer of a moment ago is good for it.
    const forRead = narrowed('path = /read')
    expect((await call('fetch', '/read', forRead)).status).toBe(200)
    expect((await call('fetch', '/open', forRead)).status).toBe(401)
  })
})
