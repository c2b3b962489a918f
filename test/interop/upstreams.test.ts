import { OAuth2Server } from 'oauth2-mock-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { createOutbound } from '../../src/outbound/create-outbound.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { parseParameters } from '../../src/protocol/parameters.ts'
import { probeProvider } from '../../src/upstream/probe-provider.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { authorizeUrl, claimsOf, codeFlow, follow, submit, tokenRequest, verifier } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { readOAuthProvider } from '../upstream/house.ts'
import { startOidcProvider, type OidcProvider } from './oidc-provider.ts'

// Servers that nobody here wrote, and our own, as the place where people sign in.

let peer: OidcProvider
let mock: OAuth2Server
let own: TestGatehouse
let server: TestGatehouse
let app: MadeClient

beforeAll(async () => {
  const oidcProvider = await startOidcProvider()
  peer = oidcProvider
  mock = new OAuth2Server()
  await mock.issuer.keys.generate('RS256')
  await mock.start(0, 'localhost')
  own = await startGatehouse()
  await Promise.all([own.makeUser('grace', { email: 'grace@example.org' }), own.makeUser('later')])

  const secrets = { PEER: peer.clientSecret, OWN: 'o'.repeat(43) }
  const entry = (name: string, more: object) =>
    readOAuthProvider({ name, preset: 'oidc', client_id: 'gatehouse', sign_in: 'create', ...more }, secrets)
  const providers = [
    entry('peer', { issuer: peer.issuer, client_secret: { env: 'PEER' }, pkce: 'required' }),
    entry('mock', { issuer: mock.issuer.url, token_endpoint_auth_method: 'none', pkce: 'required' }),
    // Its client is made below, when it knows where to send people back to; and gets its secret there.
    entry('own', { issuer: own.url, token_endpoint_auth_method: 'none', pkce: 'required' }),
  ]
  server = await startGatehouse({ config: { providers } })
  app = await server.makeClient()
  oidcProvider.register(`${server.url}/vault/callback/peer`)
  await own.makeClient({
    client_id: 'gatehouse',
    client_name: 'Another house of ours',
    redirect_uris: [`${server.url}/vault/callback/own`],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  })
})
afterAll(() => Promise.all([server.close(), own.close(), peer.close(), mock.stop()]))

/** Go through the pages of the server there, as a person would, until it sends the browser back here. */
async function walk(there: Browser, url: string, fill: (page: Answer) => Promise<Answer>): Promise<string> {
  let answer = await there.ask(url)
  for (let steps = 0; steps < 12; steps += 1) {
    const { location } = answer
    const next = location === undefined ? undefined : new URL(location, url).href
    if (next?.startsWith(server.url)) return next
    answer = next === undefined ? await fill(answer) : await there.ask(next)
  }
  throw new Error(`nobody is sent back: ${answer.status} ${answer.text.slice(0, 300)}`)
}

/** What its hook makes of an ID token. */
const lies = {
  'another audience': { aud: 'somebody-else' },
  'another nonce': { nonce: 'another' },
  'another issuer': { iss: 'https://attacker.example' },
  'an end long ago': { exp: 1_000_000_000 },
}

type Way = {
  readonly name: string
  readonly origin: () => string
  readonly fill: (there: Browser, username: string) => (page: Answer) => Promise<Answer>
}

const ways: readonly Way[] = [
  {
    name: 'peer',
    origin: () => peer.issuer,
    fill: (there, username) => (page) => submit(there, page, 'sign-in', { username }),
  },
  { name: 'mock', origin: () => mock.issuer.url ?? '', fill: () => (page) => Promise.reject(new Error(page.text)) },
  {
    name: 'own',
    origin: () => own.url,
    fill: (there, username) => (page) =>
      page.text.includes('<form id="consent"')
        ? submit(there, page, 'consent', { decision: 'allow' })
        : submit(there, page, 'sign-in', { username, password }),
  },
]

/** From a page with buttons to the provider, through its pages, and back to ours. */
async function through(
  browser: Browser,
  page: Answer,
  way: Way,
  username: string,
  there = createBrowser(way.origin()),
) {
  const href = new RegExp(`data-provider="${way.name}" href="([^"]*)"`).exec(page.text)?.[1] ?? ''
  const away = await browser.ask(href.replaceAll('&amp;', '&'))
  const back = await walk(there, away.location ?? '', way.fill(there, username))
  return {
    there,
    away: new URL(away.location ?? '').searchParams,
    page: await follow(server, browser, await browser.ask(back)),
  }
}

describe.each(ways)('signing in through $name', (way) => {
  const username = way.name === 'mock' ? 'johndoe' : 'grace'

  it('from the application to its tokens, and the same account the next time', async () => {
    const browser = createBrowser(server.url)
    const start = await follow(server, browser, await browser.ask(authorizeUrl(app)))
    const { page, away } = await through(browser, start, way, username)
    expect([away.get('code_challenge_method'), away.get('nonce')?.length]).toEqual(['S256', 43])
    const consent = await follow(
      server,
      browser,
      await submit(browser, page, 'create-account', { username: `${way.name}-user` }),
    )
    const back = await submit(browser, consent, 'consent', { decision: 'allow' })
    const code = new URL(back.location ?? '').searchParams.get('code') ?? ''
    const answer = await tokenRequest(server, app, { grant_type: 'authorization_code', code, code_verifier: verifier })
    expect(answer.status, answer.text).toBe(200)
    expect(claimsOf(String(answer.json()['id_token']))).toMatchObject({ iss: server.url, acr: 'fed' })

    const later = createBrowser(server.url)
    await through(later, await later.ask('/signin'), way, username)
    expect((await later.ask('/account')).text).toContain(`${way.name}-user`)
  })
})

describe('gatehouse provider check', () => {
  async function check(
    name: string,
    more: Partial<OAuthProvider> = {},
    callback = `${server.url}/vault/callback/${name}`,
  ) {
    const provider = server.core.upstream.providers.get(name)
    if (provider === undefined || provider.kind === 'site-login') throw new Error(`no ${name}`)
    const context = { clock: server.core.clock, outbound: createOutbound(), upstreamServers: new Map() }
    const findings = await probeProvider(context, { ...provider, ...more }, callback)
    return findings.filter(({ status }) => status === 'fail').map(({ detail }) => detail)
  }

  it.each(ways)('finds nothing to mend in the entry for $name', async ({ name }) => {
    expect(await check(name)).toEqual([])
  })

  it.each([
    ['peer', { clientSecret: secretValue('w'.repeat(40)) }, 'does not accept client_id and client_secret'],
    ['peer', { clientId: 'typo' }, 'check client_id'],
    ['peer', { tokenEndpointAuthMethod: 'none' }, 'does not accept client_id and client_secret'],
    ['own', { clientId: 'typo' }, 'check client_id'],
    ['own', { scope: ['profile'] }, 'scope lacks openid'],
    ['mock', { idTokenAlgorithm: 'EdDSA' }, 'say id_token_signed_response_alg'],
  ] as const)('of an entry for %s with %o it says what to mend', async (name, more, says) => {
    expect((await check(name, more)).join('\n')).toContain(says)
  })

  it('a callback that is not registered, and an issuer that is spelt otherwise', async () => {
    for (const [name, issuer] of [
      ['peer', peer.issuer],
      ['own', own.url],
    ] as const) {
      const elsewhere = `${server.url}/elsewhere`
      expect((await check(name, {}, elsewhere)).join(), name).toContain(
        `registered there letter by letter: ${elsewhere}`,
      )
      const other = issuer.includes('localhost')
        ? issuer.replace('localhost', '127.0.0.1')
        : issuer.replace('127.0.0.1', 'localhost')
      expect((await check(name, { issuer: other })).join(), name).toMatch(
        /write issuer exactly|nothing of this kind|refuses/,
      )
    }
  })
})

describe('what a real server adds', () => {
  const [peerWay, mockWay, ownWay] = ways as [Way, Way, Way]

  it.each([
    ['oidc-provider 9', peerWay, 'peer-user', 'grace'],
    ['our own', ownWay, 'own-user', 'grace'],
  ] as const)(
    '%s: prompt=login makes the person prove himself there anew, and the answer says when',
    async (_name, way, here, username) => {
      const browser = createBrowser(server.url)
      const first = await through(browser, await browser.ask('/signin'), way, username)
      expect((await browser.ask('/account')).text).toContain(here)
      // Signed in there by now: without being asked to, it would send the browser straight back.
      const page = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'login' })))
      let shown = 0
      const counted: Way = { ...way, fill: (there, name) => (form) => ((shown += 1), way.fill(there, name)(form)) }
      const again = await through(browser, page, counted, username, first.there)
      expect(shown).toBeGreaterThan(0)
      const back = again.page.text.includes('id="consent"')
        ? await submit(browser, again.page, 'consent', { decision: 'allow' })
        : again.page
      const code = new URL(back.location ?? '').searchParams.get('code') ?? ''
      const answer = await tokenRequest(server, app, {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
      })
      const { auth_time: authTime } = claimsOf(String(answer.json()['id_token']))
      expect(Math.abs(Number(authTime) - server.clock.seconds())).toBeLessThan(60)
    },
  )

  it('RFC 9207: both promise iss and send it; without it their code goes nowhere (L10)', async () => {
    for (const way of [peerWay, ownWay]) {
      const browser = createBrowser(server.url)
      const there = createBrowser(way.origin())
      const away = await browser.ask(`/signin/with/${way.name}`)
      const back = new URL(await walk(there, away.location ?? '', way.fill(there, 'later')))
      expect(back.searchParams.get('iss')).toBe(way.origin())
      back.searchParams.delete('iss')
      expect((await browser.ask(back.href)).location).toContain('problem=providerFailed')
    }
  })

  it('a no at our own server is told here', async () => {
    const browser = createBrowser(server.url)
    const there = createBrowser(own.url)
    const away = await browser.ask('/signin/with/own')
    const deny = (page: Answer) =>
      page.text.includes('<form id="consent"')
        ? submit(there, page, 'consent', { decision: 'deny' })
        : submit(there, page, 'sign-in', { username: 'later', password })
    expect((await browser.ask(await walk(there, away.location ?? '', deny))).location).toContain(
      'problem=providerDenied',
    )
  })

  it.each(Object.entries(lies))('oauth2-mock-server: %s signs nobody in', async (_name, lie) => {
    const change = (token: { payload: Record<string, unknown> }) => void Object.assign(token.payload, lie)
    mock.service.on('beforeTokenSigning', change)
    const browser = createBrowser(server.url)
    const { page } = await through(browser, await browser.ask('/signin'), mockWay, 'johndoe')
    mock.service.off('beforeTokenSigning', change)
    expect([page.status, page.text.includes('data-problem') || page.text.includes('id="problem"')]).toEqual([403, true])
    expect((await browser.ask('/account')).status).toBe(303)
  })

  it('oidc-provider 9: a refresh token that rotated is dead, and giving one back ends it there', async () => {
    const { upstream } = server.core
    const provider = upstream.providers.get('peer')
    if (provider === undefined || provider.kind === 'site-login') throw new Error('no peer')
    const connect = async () => {
      const opened = await upstream.open(provider, {
        purpose: { for: 'sign-in' },
        browserHash: 'a browser',
        scope: ['openid', 'offline_access'],
        offline: true,
      })
      if (opened.kind !== 'begun') throw new Error(JSON.stringify(opened))
      const there = createBrowser(peer.issuer)
      const callback = new URL(await walk(there, opened.url, peerWay.fill(there, 'grace')))
      const parameters = parseParameters(callback.search.slice(1))
      if (isRefusal(parameters)) throw new Error(parameters.reason)
      const taken = await upstream.take(provider, { state: parameters.get('state'), browserHash: 'a browser' })
      if (isRefusal(taken)) throw new Error(taken.reason)
      const done = await upstream.finish(provider, taken, parameters)
      if (done.kind !== 'done' || done.tokens.refreshToken === undefined) throw new Error(JSON.stringify(done))
      return { refreshToken: done.tokens.refreshToken, scope: done.tokens.scope }
    }
    const held = await connect()
    const renewed = await upstream.refresh(provider, held)
    if (renewed.kind !== 'done' || renewed.tokens.refreshToken === undefined) throw new Error(JSON.stringify(renewed))
    expect(await upstream.refresh(provider, held)).toEqual({ kind: 'denied', why: 'invalid_grant' })

    const other = await connect()
    expect(await upstream.revoke(provider, other.refreshToken)).toEqual({ kind: 'done' })
    expect(await upstream.refresh(provider, other)).toEqual({ kind: 'denied', why: 'invalid_grant' })
  })

  it('L15: a token of the house above is nothing here, and ours nothing there', async () => {
    const ownApp = await own.makeClient({ client_id: 'own-app' })
    const above = await codeFlow(own, ownApp, 'later')
    const me = (base: string, token: string) =>
      createBrowser(base).ask('/oauth/userinfo', { headers: { authorization: `Bearer ${token}` } })
    expect((await me(own.url, above.tokens.access_token)).status).toBe(200)
    expect((await me(server.url, above.tokens.access_token)).status).toBe(401)
    await server.makeUser('below')
    const below = await codeFlow(server, app, 'below')
    expect((await me(server.url, below.tokens.access_token)).status).toBe(200)
    expect((await me(own.url, below.tokens.access_token)).status).toBe(401)
  })
})
