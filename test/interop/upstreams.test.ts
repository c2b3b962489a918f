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
import { startUpstreams, walk, waysThrough, type Upstreams, type Way } from './upstreams.ts'

// Servers that nobody here wrote, and our own, as the place where people sign in.

let upstreams: Upstreams
let server: TestGatehouse
let app: MadeClient
const ways = waysThrough(() => upstreams)

beforeAll(async () => {
  upstreams = await startUpstreams()
  const { own } = upstreams
  await Promise.all([own.makeUser('grace', { email: 'grace@example.org' }), own.makeUser('later')])
  server = await startGatehouse({
    config: { providers: ways.map((way) => upstreams.entry(way, { sign_in: 'create' })) },
  })
  app = await server.makeClient()
  await upstreams.register(server.url)
})
afterAll(() => Promise.all([server.close(), upstreams.close()]))

/** What its hook makes of an ID token. */
const lies = {
  'another audience': { aud: 'somebody-else' },
  'another nonce': { nonce: 'another' },
  'another issuer': { iss: 'https://attacker.example' },
  'an end long ago': { exp: 1_000_000_000 },
}

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
  const back = await walk(server.url, away.location ?? '', { there, fill: way.fill(there, username) })
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
      ['peer', upstreams.peer.issuer],
      ['own', upstreams.own.url],
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
  const [peerWay, mockWay, ownWay] = ways

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
      const back = new URL(await walk(server.url, away.location ?? '', { there, fill: way.fill(there, 'later') }))
      expect(back.searchParams.get('iss')).toBe(way.origin())
      back.searchParams.delete('iss')
      expect((await browser.ask(back.href)).location).toContain('problem=providerFailed')
    }
  })

  it('a no at our own server is told here', async () => {
    const browser = createBrowser(server.url)
    const there = createBrowser(upstreams.own.url)
    const away = await browser.ask('/signin/with/own')
    const deny = (page: Answer) =>
      page.text.includes('<form id="consent"')
        ? submit(there, page, 'consent', { decision: 'deny' })
        : submit(there, page, 'sign-in', { username: 'later', password })
    expect((await browser.ask(await walk(server.url, away.location ?? '', { there, fill: deny }))).location).toContain(
      'problem=providerDenied',
    )
  })

  it.each(Object.entries(lies))('oauth2-mock-server: %s signs nobody in', async (_name, lie) => {
    const change = (token: { payload: Record<string, unknown> }) => void Object.assign(token.payload, lie)
    const { mock } = upstreams
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
      const there = createBrowser(upstreams.peer.issuer)
      const callback = new URL(await walk(server.url, opened.url, { there, fill: peerWay.fill(there, 'grace') }))
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
    const { own } = upstreams
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
