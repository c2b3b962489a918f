import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { mintToken } from '../../src/accounts/mint-token.ts'
import type { OAuthProvider } from '../../src/config/provider.ts'
import type { User } from '../../src/domain/user.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer, type Ask } from '../kit/browser.ts'
import { codeFlow, tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { startApi, type Api } from '../vault/api.ts'
import { connectDirectly, etsyProvider, keptTokens, storedConnection } from '../vault/house.ts'
import { attack, type House } from './support.ts'

// Family L where tokens of other servers are used: the proxy, capabilities, and token exchange.

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const resource = 'https://tools.example'

let etsy: Etsy
let api: Api
let provider: OAuthProvider
/** Its secret needs escaping wherever something is escaped. */
let keyed: OAuthProvider
let server: TestGatehouse
let house: House
let desk: MadeClient
let tools: MadeClient
let people: Readonly<
  Record<'ada' | 'eve', { readonly user: User; readonly token: string; readonly connection: string }>
>

beforeAll(async () => {
  ;[etsy, api] = await Promise.all([startEtsy(), startApi()])
  provider = etsyProvider(etsy, { api_base: api.url })
  keyed = etsyProvider(
    { ...etsy, sharedSecret: 'sh4/s3cr3t+r3d==' },
    { name: 'keyed', issuer: 'https://keyed.example', callback_path: '/keyed', api_base: api.url },
  )
  server = await startGatehouse({ config: { providers: [provider, keyed] } })
  await server.makeResource({ resource, scope: 'vault:etsy', introspection_clients: ['tools'] })
  desk = await server.makeClient({ client_id: 'desk', scope: 'openid me vault vault:etsy vault:keyed' })
  tools = await server.makeClient({
    client_id: 'tools',
    grant_types: ['authorization_code', grant],
    scope: 'openid vault:etsy',
  })
  people = { ada: await person('ada'), eve: await person('eve') }
  const secrets = [etsy.sharedSecret]
  for (const { connection } of Object.values(people)) {
    const { access, refresh } = await keptTokens(server, connection)
    secrets.push(access ?? '', refresh ?? '')
  }
  house = { server, app: await server.makeClient(), secrets }
})
afterAll(async () => {
  await server.close()
  await Promise.all([etsy.close(), api.close()])
})
afterEach(() => {
  api.answer = undefined
  api.called.length = 0
})

async function person(name: string) {
  const user = await server.makeUser(name)
  const scope = 'openid me vault vault:etsy vault:keyed'
  const { tokens } = await codeFlow(server, desk, name, { extra: { scope } })
  return {
    user,
    token: tokens.access_token,
    connection: await connectDirectly(server, provider, { kind: 'user', userId: user.userId }),
  }
}

function call(connection: string, bearer: string, ask: Ask & { readonly path?: string } = {}): Promise<Answer> {
  return createBrowser(server.url).ask(`/vault/proxy/${connection}${ask.path ?? '/a'}`, {
    ...ask,
    headers: { authorization: `Bearer ${bearer}`, ...ask.headers },
  })
}

/** A call that is made writes its event, and may renew. */
const calling = { writes: ['event', 'connection'] } as const

describe('L13 idor', () => {
  it('somebody else’s connection is the same as none, whoever asks, with whatever', async () => {
    const { ada, eve } = people
    const none = await call('0192aabbccdd0KxGmZ8Tn3YbQw5RsE1uVhA', eve.token)
    const theirs = await attack(house, () => call(ada.connection, eve.token))
    expect([theirs.status, theirs.text]).toEqual([none.status, none.text])
    expect(none.status).toBe(404)
    const made = await mintToken(
      server.core,
      { actor: { kind: 'cli' }, userId: eve.user.userId },
      { format: 'macaroon', connection: ada.connection },
    )
    expect(made).toMatchObject({ refused: { field: 'connection' } })
    const own = await mintToken(
      server.core,
      { actor: { kind: 'cli' }, userId: eve.user.userId },
      { format: 'macaroon', connection: eve.connection },
    )
    const capability = 'done' in own ? own.done.token : ''
    expect((await attack(house, () => call(ada.connection, capability))).status).toBe(401)
    expect(api.called).toEqual([])
  })
})

describe('L14 consent-skip', () => {
  it('another client with the scope vault gets nowhere before its user agreed to it for this provider', async () => {
    const other = await server.makeClient({ client_id: 'other', scope: 'openid me vault vault:etsy' })
    const without = await codeFlow(server, other, 'ada', { extra: { scope: 'openid me vault' } })
    const { access_token: token } = without.tokens
    const seen = await attack(house, () => call(people.ada.connection, token))
    expect([seen.status, seen.json()['error']]).toEqual([400, 'access_denied'])
    // Nor by a capability of its own making.
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ format: 'macaroon', connection: people.ada.connection })
    const mint = await attack(house, () =>
      createBrowser(server.url).ask('/api/v1/me/tokens', { method: 'POST', headers, body }),
    )
    expect([mint.status, mint.json()['code']]).toEqual([403, 'forbidden'])
    expect(api.called).toEqual([])
    // The owner by a client that he agreed to may.
    const allowed = { ...headers, authorization: `Bearer ${people.ada.token}` }
    const made = await createBrowser(server.url).ask('/api/v1/me/tokens', { method: 'POST', headers: allowed, body })
    expect(made.status, made.text).toBe(201)
    expect((await call(people.ada.connection, String(made.json()['token']))).status).toBe(200)
  })

  it('and an exchange needs the consent to the very client that asks', async () => {
    const { tokens } = await codeFlow(server, desk, 'eve', { extra: { resource, scope: 'vault:etsy' } })
    const form = {
      grant_type: grant,
      subject_token: tokens.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'etsy',
    }
    const seen = await attack(house, () => tokenRequest(server, tools, form))
    expect([seen.status, seen.json()['error']]).toEqual([400, 'invalid_target'])
    await codeFlow(server, tools, 'eve', { extra: { scope: 'openid vault:etsy' } })
    expect((await tokenRequest(server, tools, form)).status).toBe(200)
  })
})

describe('L15 passthrough', () => {
  it('a token of the provider is none of ours', async () => {
    const { access } = await keptTokens(server, people.ada.connection)
    expect((await attack(house, () => call(people.ada.connection, access))).status).toBe(401)
    const info = await attack(house, () =>
      createBrowser(server.url).ask('/oauth/userinfo', { headers: { authorization: `Bearer ${access}` } }),
    )
    expect(info.status).toBe(401)
  })

  it('RFC 8725 §3.9: a token of the owner’s for another API is no key to this one', async () => {
    const scope = 'vault:etsy'
    const { tokens } = await codeFlow(server, desk, 'ada', { extra: { resource, scope } })
    const answer = await attack(house, () => call(people.ada.connection, tokens.access_token))
    expect([answer.status, answer.json()['error']]).toEqual([401, 'invalid_token'])
    expect(api.called).toEqual([])
  })

  it('and nothing of ours reaches the provider: no token, no cookie, no address', async () => {
    const headers = {
      cookie: 'gatehouse=a-session-cookie',
      'x-forwarded-for': '192.0.2.7',
      referer: 'https://app.example/?x=referer-canary',
    }
    expect((await call(people.ada.connection, people.ada.token, { headers })).status).toBe(200)
    const [seen] = api.called
    const text = JSON.stringify(seen)
    for (const ours of [people.ada.token, 'a-session-cookie', '192.0.2.7', 'referer-canary'])
      expect(text).not.toContain(ours)
  })

  it.each(['access_token=x', 'a=b&ACCESS_TOKEN=x', '_method=DELETE'])('a query with %s is refused', async (query) => {
    expect(
      (await attack(house, () => call(people.ada.connection, people.ada.token, { path: `/a?${query}` }))).status,
    ).toBe(400)
    expect(api.called).toEqual([])
  })

  it('a token in the query or a cookie opens nothing', async () => {
    const path = `/vault/proxy/${people.ada.connection}/a`
    const inQuery = await attack(house, () => createBrowser(server.url).ask(`${path}?access_token=${people.ada.token}`))
    expect(inQuery.status).toBeGreaterThanOrEqual(400)
    expect(
      (await attack(house, () => createBrowser(server.url, { cookie: `token=${people.ada.token}` }).ask(path))).status,
    ).toBe(401)
  })
})

describe('L16 leak-paths', () => {
  const echoes: Readonly<Record<string, (text: string, response: ServerResponse) => void>> = {
    'in a body': (text, response) => void response.end(`{"you sent":"${text}"}`),
    'in an error': (text, response) => void response.writeHead(400).end(`bad token ${text}`),
    'in a 500': (text, response) => void response.writeHead(500).end(`at auth(${text})`),
    'in a header': (text, response) =>
      void response.setHeader('etag', `"${text}"`).setHeader('x-request-id', text).end('x'),
    'in a redirect': (text, response) => void response.writeHead(302, { location: `/b?t=${text}` }).end(),
    'in a 401': (text, response) =>
      void response.writeHead(401, { 'www-authenticate': `Bearer realm="${text}"` }).end(text),
    'in two pieces': (text, response) => {
      response.write(`{"you sent":"${text.slice(0, 9)}`)
      setTimeout(() => response.end(`${text.slice(9)}"}`), 20)
    },
    'and breaks off': (text, response) => {
      response.write(text.slice(0, 5))
      response.destroy()
    },
  }
  it.each(Object.keys(echoes))('what an API repeats of our credentials %s reaches nobody', async (how) => {
    for (const name of ['authorization', 'x-api-key'] as const) {
      api.answer = ({ headers }, response) => echoes[how]?.(String(headers[name]), response)
      const seen = await attack(
        house,
        () => call(people.ada.connection, people.ada.token).catch((): { readonly text: string } => ({ text: 'cut' })),
        calling,
      )
      expect(seen.text).not.toContain(etsy.sharedSecret)
    }
  })
})

describe('L16 leak-paths: in another spelling', () => {
  const spellings: Readonly<Record<string, (text: string) => string>> = {
    'with slashes as PHP writes them': (text) => JSON.stringify(text).replaceAll('/', '\\/'),
    'in a query': encodeURIComponent,
    'in a query, in small letters': (text) => encodeURIComponent(text).replaceAll(/%../g, (hex) => hex.toLowerCase()),
  }
  it.each(Object.keys(spellings))('%s, neither in a body nor in a header', async (how) => {
    const spell = spellings[how] ?? String
    const id = await connectDirectly(server, keyed, { kind: 'user', userId: people.ada.user.userId })
    for (const inHeader of [false, true]) {
      let said = ''
      api.answer = ({ headers }, response) => {
        said = spell(String(headers['x-api-key']).split(':')[1] ?? '')
        if (inHeader) response.setHeader('etag', said)
        response.end(inHeader ? 'x' : said)
      }
      const answer = await call(id, people.ada.token)
      expect(said.length).toBeGreaterThan(keyed.sharedSecret?.reveal().length ?? 0)
      expect(`${answer.text} ${JSON.stringify([...answer.headers.values()])}`).not.toContain('s3cr3t')
    }
  })
})

describe('L21 dead-upstream-grant', () => {
  it('is found out once, and then said without asking', async () => {
    const zoe = await person('zoe')
    etsy.revokeAll()
    server.clock.advance(61)
    api.answer = (_, response) => void response.writeHead(401).end()
    const before = etsy.refreshes()
    for (let times = 0; times < 4; times += 1) {
      const seen = await attack(house, () => call(zoe.connection, zoe.token), calling)
      expect([seen.status, seen.json()['error']]).toEqual([400, 'needs_reauth'])
    }
    expect(etsy.refreshes() - before).toBe(1)
    expect((await storedConnection(server, zoe.connection)).state).toBe('needs_reauth')
  })
})

describe('L26 admin-read', () => {
  it('no administrator gets through somebody’s connection, by any token that he can make', async () => {
    const boss = await server.makeUser('boss', { role: 'superuser' })
    const actor = { kind: 'user', user: boss, scopes: ['admin', 'vault'] } as const
    const about = { actor, userId: people.ada.user.userId }
    expect(
      await mintToken(server.core, about, { format: 'macaroon', connection: people.ada.connection }),
    ).toMatchObject({ refused: { code: 'forbidden' } })
    for (const format of ['jwt', 'opaque', 'macaroon'] as const) {
      const made = await mintToken(server.core, about, { format, scope: ['vault'] })
      const token = 'done' in made ? made.done.token : ''
      const seen = await attack(house, () => call(people.ada.connection, token))
      expect([seen.status, seen.json()['error']]).toEqual([400, 'access_denied'])
    }
    expect(api.called).toEqual([])
  })

  it('nor has one of them its token, neither at the vault nor by an exchange, for himself or in her name', async () => {
    const chief = await server.makeUser('chief', { role: 'superuser' })
    const actor = { kind: 'user', user: chief, scopes: ['admin', 'vault', 'vault:etsy'] } as const
    const about = { actor, userId: people.ada.user.userId }
    const { connection } = people.ada
    await codeFlow(server, tools, 'ada', { extra: { scope: 'openid vault:etsy' } })
    const shown = (token: string) =>
      tokenRequest(server, tools, {
        grant_type: grant,
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'etsy',
        connection,
      })
    const fetched = (token: string) =>
      createBrowser(server.url).ask('/vault/token', {
        form: { connection },
        headers: { authorization: `Bearer ${token}` },
      })
    const here = await codeFlow(server, desk, 'chief', { extra: { scope: 'openid me vault vault:etsy' } })
    const there = await codeFlow(server, desk, 'chief', { extra: { resource, scope: 'vault:etsy' } })
    const seen: unknown[] = []
    const note = async (send: () => Promise<Answer>) => {
      const { status, text } = await attack(house, send, { writes: ['event'] })
      seen.push([status, (JSON.parse(text) as { readonly error: string }).error])
    }
    await note(() => fetched(here.tokens.access_token))
    await note(() => shown(there.tokens.access_token))
    for (const format of ['jwt', 'opaque', 'macaroon'] as const) {
      const made = [
        await mintToken(server.core, about, { format, scope: ['vault'] }),
        await mintToken(server.core, about, { format, scope: ['vault:etsy'], resource }),
      ]
      const [mine = '', theirs = ''] = made.map((one) => ('done' in one ? one.done.token : JSON.stringify(one)))
      await note(() => fetched(mine))
      await note(() => shown(theirs))
    }
    const [other, exchange, ...minted] = seen
    expect([other, exchange]).toEqual([
      [404, 'invalid_request'],
      [400, 'invalid_target'],
    ])
    expect(minted).toEqual(
      [1, 2, 3].flatMap(() => [
        [400, 'access_denied'],
        [400, 'invalid_request'],
      ]),
    )
  })
})
