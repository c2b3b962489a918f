import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { isOrcid } from '../../src/protocol/orcid.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startGitHub, type GitHub } from '../emulators/github.ts'
import { startGoogle, startOpenId, startOrcid, type OpenId, type OpenIdFaults } from '../emulators/openid.ts'
import { begin, browser, comeBack, createEngine, readOAuthProvider, through } from './house.ts'

const engine = createEngine()
let etsy: Etsy
let github: GitHub
let plain: OpenId
let google: OpenId
let orcid: OpenId
const providers: Record<string, OAuthProvider> = {}
const use = (name: string): OAuthProvider => providers[name]!

beforeAll(async () => {
  ;[etsy, github, plain, google, orcid] = await Promise.all([
    startEtsy(),
    startGitHub(),
    startOpenId({ promisesIss: true, refresh: 'rotating' }),
    startGoogle(),
    startOrcid(),
  ])
  providers['etsy'] = readOAuthProvider(
    {
      name: 'etsy',
      preset: 'etsy',
      client_id: etsy.keystring,
      shared_secret: { env: 'S' },
      authorization_endpoint: `${etsy.url}/oauth/connect`,
      token_endpoint: `${etsy.url}/v3/public/oauth/token`,
      callback_path: '/etsy',
      sign_in: 'create',
    },
    { S: etsy.sharedSecret },
  )
  providers['github'] = readOAuthProvider(
    {
      name: 'github',
      preset: 'github',
      client_id: github.clientId,
      client_secret: { env: 'S' },
      authorization_endpoint: `${github.url}/login/oauth/authorize`,
      token_endpoint: `${github.url}/login/oauth/access_token`,
      userinfo_endpoint: `${github.url}/user`,
      emails_endpoint: `${github.url}/user/emails`,
    },
    { S: github.clientSecret },
  )
  const openid = (name: string, preset: string, { issuer, clientId, clientSecret }: OpenId, more = {}) =>
    readOAuthProvider(
      { name, preset, issuer, client_id: clientId, client_secret: { env: 'S' }, ...more },
      { S: clientSecret },
    )
  providers['plain'] = openid('plain', 'oidc', plain)
  providers['google'] = openid('google', 'google', google)
  providers['orcid'] = openid('orcid', 'orcid', orcid)
})
afterAll(() => Promise.all([etsy, github, plain, google, orcid].map((emulator) => emulator.close())))
afterEach(() => {
  for (const { faults } of [plain]) for (const key of Object.keys(faults)) delete faults[key as keyof OpenIdFaults]
  github.alwaysForm = false
})

describe('the authorization request', () => {
  it('RFC 7636 §4.3: carries a fresh S256 challenge and a state of 256 bits each time', async () => {
    const [one, two] = [await begin(engine, use('plain')), await begin(engine, use('plain'))].map(
      (url) => new URL(url).searchParams,
    )
    for (const name of ['state', 'code_challenge', 'nonce']) {
      expect(one?.get(name)).toMatch(/^[\w-]{43}$/)
      expect(one?.get(name)).not.toBe(two?.get(name))
    }
    expect(one?.get('code_challenge_method')).toBe('S256')
  })

  it('Etsy: spaces as %20, the configured callback path, no nonce', async () => {
    const url = await begin(engine, use('etsy'), { scope: ['listings_r', 'listings_w'] })
    expect(url).toContain('scope=listings_r%20listings_w')
    expect(url).not.toContain('+')
    const query = new URL(url).searchParams
    expect(query.get('redirect_uri')).toBe('https://as.example/etsy')
    expect(query.has('nonce')).toBe(false)
  })

  it('Google: asks for offline access where a refresh token is wanted, and only there', async () => {
    const wanted = new URL(await begin(engine, use('google'), { offline: true })).searchParams
    expect([wanted.get('access_type'), wanted.get('prompt')]).toEqual(['offline', 'consent'])
    expect(new URL(await begin(engine, use('google'))).searchParams.has('access_type')).toBe(false)
  })

  it('F12: believes no discovery document of another issuer', async () => {
    const liar = await startOpenId()
    liar.faults.metadata = (document) => ({ ...document, issuer: 'https://honest.example' })
    const provider = readOAuthProvider(
      { name: 'liar', preset: 'oidc', issuer: liar.issuer, client_id: 'x', client_secret: { env: 'S' } },
      { S: 'secret' },
    )
    const opened = await engine.open(provider, {
      purpose: { for: 'sign-in' },
      browserHash: browser,
      scope: ['openid'],
      offline: false,
    })
    await liar.close()
    expect(opened).toMatchObject({ kind: 'refused', why: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' })
  })

  it('F14: sends no browser to what is no web address', async () => {
    const odd = await startOpenId()
    odd.faults.metadata = (document) => ({ ...document, authorization_endpoint: 'javascript:alert(1)' })
    const provider = readOAuthProvider(
      { name: 'odd', preset: 'oidc', issuer: odd.issuer, client_id: 'x', client_secret: { env: 'S' } },
      { S: 'secret' },
    )
    const opened = await engine.open(provider, {
      purpose: { for: 'sign-in' },
      browserHash: browser,
      scope: ['openid'],
      offline: false,
    })
    await odd.close()
    expect(opened).toMatchObject({ kind: 'refused', reason: 'upstream_misconfigured' })
  })
})

describe('the way back', () => {
  it('Etsy: the number before the dot is the account; the whole text is the token', async () => {
    const done = await through(engine, use('etsy'), { scope: ['shops_r'] })
    expect(done).toMatchObject({ kind: 'done', identity: { issuer: 'https://www.etsy.com', subject: '123456789' } })
    if (done.kind !== 'done') return
    expect(done.tokens.accessToken.reveal()).toMatch(/^123456789\../)
    expect(done.tokens).toMatchObject({ tokenType: 'Bearer', scope: ['shops_r'], account: '123456789' })
    expect((done.tokens.expiresAt ?? 0) - engine.clock.seconds()).toBeGreaterThan(3590)
    expect(JSON.stringify(done)).not.toContain(done.tokens.accessToken.reveal())
    const [request] = etsy.askedAt('/v3/public/oauth/token')
    expect([request?.headers['x-api-key'], request?.form.has('client_secret')]).toEqual([undefined, false])
  })

  it.each([false, true])(
    'GitHub: the numeric id is the account, the verified primary address its own (form-encoded: %s)',
    async (form) => {
      github.alwaysForm = form
      const done = await through(engine, use('github'))
      expect(done).toMatchObject({
        kind: 'done',
        identity: {
          issuer: 'https://github.com',
          subject: '583231',
          suggestions: ['octocat'],
          verifiedEmail: 'octo@example.org',
        },
        tokens: { scope: ['read:user', 'user:email'] },
      })
      if (done.kind === 'done') expect(done.tokens.expiresAt).toBeUndefined()
    },
  )

  it('GitHub: an error under status 200 is an error', async () => {
    const url = await consent(await begin(engine, use('github')))
    const callback = new URL(url)
    callback.searchParams.set('code', 'another')
    expect(await comeBack(engine, use('github'), callback.href)).toMatchObject({
      kind: 'refused',
      why: 'bad_verification_code',
    })
  })

  it('GitHub: an unverified address is no address', async () => {
    const before = github.user
    github.user = { ...before, emails: [{ email: 'octo@example.org', primary: true, verified: false }] }
    const done = await through(engine, use('github'))
    github.user = before
    if (done.kind !== 'done') throw new Error(done.kind)
    expect(done.identity?.verifiedEmail).toBeUndefined()
  })

  it('ORCID: amr as text, keys without alg, no userinfo, twenty years', async () => {
    const done = await through(engine, use('orcid'))
    expect(done).toMatchObject({ kind: 'done', identity: { subject: '0000-0002-1825-0097', suggestions: ['Josiah'] } })
    if (done.kind === 'done') expect((done.tokens.expiresAt ?? 0) - engine.clock.seconds()).toBeGreaterThan(631_138_000)
    const [request] = orcid.askedAt('/oauth/token')
    expect([request?.form.get('client_secret'), request?.headers.authorization]).toEqual([
      orcid.clientSecret,
      undefined,
    ])
  })

  it('ORCID: an id whose checksum is wrong is nobody', async () => {
    const before = orcid.user
    orcid.user = { ...before, sub: '0000-0002-1825-0098' }
    expect(await through(engine, use('orcid'))).toMatchObject({ kind: 'refused', reason: 'upstream_subject' })
    orcid.user = before
    expect([isOrcid('0000-0002-1694-233X'), isOrcid('0000-0002-1694-2331'), isOrcid('0000000218250097')]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('Google: the issuer without scheme is Google too, and email_verified may be text', async () => {
    const bare = readOAuthProvider(
      {
        name: 'bare',
        preset: 'google',
        issuer: google.issuer,
        issuer_aliases: ['accounts.google.com'],
        client_id: google.clientId,
        client_secret: { env: 'S' },
      },
      { S: google.clientSecret },
    )
    google.faults.claims = (claims) => ({ ...claims, iss: 'accounts.google.com' })
    const done = await through(engine, bare)
    google.faults.claims = (claims) => ({ ...claims, iss: 'accounts.google.example' })
    const other = await through(engine, bare)
    delete google.faults.claims
    expect(done).toMatchObject({
      kind: 'done',
      identity: { issuer: google.issuer, verifiedEmail: 'grace@example.org' },
    })
    expect(other).toMatchObject({ kind: 'refused', reason: 'upstream_id_token' })
  })

  it('names that the ID token lacks come from userinfo, if it is of the same person', async () => {
    expect(await through(engine, use('plain'))).toMatchObject({
      identity: { suggestions: ['ada'], fullName: 'Ada Lovelace' },
    })
    plain.faults.userinfo = { json: { sub: 'somebody else', preferred_username: 'mallory' } }
    const done = await through(engine, use('plain'))
    expect(done).toMatchObject({ kind: 'done', identity: { subject: 'subject-1', suggestions: [] } })
  })

  it('a no of the person is a no', async () => {
    expect(await through(engine, use('plain'), { decision: 'deny' })).toEqual({ kind: 'denied', why: 'access_denied' })
  })
})

describe('OIDC Core §3.1.3.7: an ID token that does not hold signs nobody in', () => {
  const now = (): number => Math.floor(Date.now() / 1000)
  const cases: Readonly<Record<string, OpenIdFaults>> = {
    'another issuer': { claims: (claims) => ({ ...claims, iss: 'https://attacker.example' }) },
    'no issuer': { claims: ({ iss: _iss, ...claims }) => claims },
    'another audience': { claims: (claims) => ({ ...claims, aud: 'somebody-else' }) },
    'several audiences without azp': { claims: (claims) => ({ ...claims, aud: [claims['aud'], 'other'] }) },
    'another authorized party': { claims: (claims) => ({ ...claims, aud: [claims['aud'], 'other'], azp: 'other' }) },
    'another nonce': { claims: (claims) => ({ ...claims, nonce: 'another' }) },
    'no nonce': { claims: ({ nonce: _nonce, ...claims }) => claims },
    expired: { claims: (claims) => ({ ...claims, exp: now() - 300 }) },
    'no expiry': { claims: ({ exp: _exp, ...claims }) => claims },
    'no subject': { claims: ({ sub: _sub, ...claims }) => claims },
    'alg none': { signature: 'none' },
    'HS256 with the public key': { signature: 'HS256 with the public key' },
    "another's key": { signature: 'another key' },
    'no ID token': { noIdToken: true },
  }
  it.each(Object.entries(cases))('%s', async (_name, faults) => {
    Object.assign(plain.faults, faults)
    expect(await through(engine, use('plain'))).toMatchObject({ kind: 'refused', reason: 'upstream_id_token' })
  })
})

describe('RFC 9207 and the state', () => {
  it.each(['missing', 'another'] as const)('L10: iss %s where it was promised: no code leaves', async (responseIss) => {
    plain.faults.responseIss = responseIss
    const before = plain.askedAt('/token').length
    expect(await through(engine, use('plain'))).toMatchObject({ kind: 'refused', reason: 'upstream_issuer' })
    expect(plain.askedAt('/token')).toHaveLength(before)
  })

  it('L11: a state is good once, twenty times at once included', async () => {
    const callback = await consent(await begin(engine, use('plain')))
    const before = plain.askedAt('/token').length
    const answers = await Promise.all(Array.from({ length: 20 }, () => comeBack(engine, use('plain'), callback)))
    expect(answers.filter(({ kind }) => kind === 'done')).toHaveLength(1)
    expect(plain.askedAt('/token')).toHaveLength(before + 1)
  })

  it('L09: a state of one provider is nothing at the callback of another, and is used up', async () => {
    const callback = await consent(await begin(engine, use('plain')))
    expect(await comeBack(engine, use('google'), callback)).toMatchObject({ reason: 'flow_of_other_provider' })
    expect(await comeBack(engine, use('plain'), callback)).toMatchObject({ reason: 'flow_unknown' })
  })

  it('L04: a state of one browser is nothing in another', async () => {
    const url = new URL(await consent(await begin(engine, use('plain'))))
    const taken = await engine.take(use('plain'), {
      state: url.searchParams.get('state') ?? '',
      browserHash: 'another browser',
    })
    expect(taken).toMatchObject({ reason: 'flow_of_other_browser' })
  })

  it('a state dies after ten minutes', async () => {
    const callback = await consent(await begin(engine, use('plain')))
    engine.clock.advance(601)
    expect(await comeBack(engine, use('plain'), callback)).toMatchObject({ reason: 'flow_unknown' })
  })

  it.each([undefined, '', 'x'.repeat(43), '../../etc', 'a'.repeat(5000)])('L01, L02: %j is no state', async (state) => {
    expect(await engine.take(use('plain'), { state, browserHash: browser })).toMatchObject({ reason: 'flow_unknown' })
  })
})

describe('L22: answers that are none', () => {
  const answers: Readonly<Record<string, OpenIdFaults>> = {
    'HTML under 200': { tokenReply: { text: '<html>fine</html>' } },
    'a negative life': { token: (body) => ({ ...body, expires_in: -1 }) },
    'a life that is no number': { token: (body) => ({ ...body, expires_in: 'soon' }) },
    'no access token': { token: ({ access_token: _token, ...body }) => body },
    'an access token that is no text': { token: (body) => ({ ...body, access_token: { a: 1 } }) },
    'another token type': { token: (body) => ({ ...body, token_type: 'mac' }) },
    'members twice': {
      tokenReply: {
        headers: { 'content-type': 'application/json' },
        text: '{"access_token":"a","access_token":"b","token_type":"bearer"}',
      },
    },
    'a list': { tokenReply: { headers: { 'content-type': 'application/json' }, text: '[]' } },
  }
  it.each(Object.entries(answers))('%s', async (_name, faults) => {
    Object.assign(plain.faults, faults)
    const done = await through(engine, use('plain'))
    expect(done.kind === 'refused' || done.kind === 'unavailable', JSON.stringify(done)).toBe(true)
  })

  it('ten megabytes, silence and a 500 are "not now"', async () => {
    plain.faults.tokenReply = { text: 'x'.repeat(10_000_000) }
    expect(await through(engine, use('plain'))).toMatchObject({ kind: 'unavailable', why: 'too_large' })
    plain.faults.tokenReply = { hangUp: true }
    expect(await through(engine, use('plain'))).toMatchObject({ kind: 'unavailable', why: 'broken' })
    plain.faults.tokenReply = { status: 503, headers: { 'retry-after': '7' }, text: 'later' }
    expect(await through(engine, use('plain'))).toEqual({ kind: 'unavailable', why: 'status 503', retryAfter: 7 })
  })

  it('F16: a redirect of the token endpoint is not followed', async () => {
    plain.faults.tokenReply = { status: 307, headers: { location: `${google.issuer}/token` } }
    const before = google.asked.length
    expect(await through(engine, use('plain'))).toMatchObject({ kind: 'unavailable', why: 'redirect' })
    expect(google.asked).toHaveLength(before)
  })

  it('takes a life written as text, and a scope that shrank as what was granted', async () => {
    plain.faults.token = (body) => ({ ...body, expires_in: '60', scope: 'openid' })
    const done = await through(engine, use('plain'))
    if (done.kind !== 'done') throw new Error(done.kind)
    expect(done.tokens.scope).toEqual(['openid'])
    expect((done.tokens.expiresAt ?? 0) - engine.clock.seconds()).toBeLessThanOrEqual(60)
  })
})

describe('refreshing', () => {
  async function connected(provider: OAuthProvider) {
    const done = await through(engine, provider, { scope: provider.connectScope, offline: true })
    if (done.kind !== 'done' || done.tokens.refreshToken === undefined) throw new Error(JSON.stringify(done))
    return { refreshToken: done.tokens.refreshToken, scope: done.tokens.scope, account: done.tokens.account }
  }

  it('Etsy: each refresh makes a new refresh token, and the old one is dead', async () => {
    const held = await connected(use('etsy'))
    const first = await engine.refresh(use('etsy'), held)
    expect(first).toMatchObject({ kind: 'done', tokens: { scope: held.scope, account: '123456789' } })
    if (first.kind === 'done') expect(first.tokens.refreshToken?.reveal()).not.toBe(held.refreshToken.reveal())
    expect(await engine.refresh(use('etsy'), held)).toEqual({ kind: 'denied', why: 'invalid_grant' })
  })

  it.each([
    ['500', true],
    ['500 after rotation', true],
    ['hang up after rotation', true],
    ['not json', true],
  ] as const)('Etsy: %s is "not now", and the token may be gone: %s', async (fault, maybeUsed) => {
    const held = await connected(use('etsy'))
    etsy.faults.push(fault)
    expect(await engine.refresh(use('etsy'), held)).toMatchObject({ kind: 'unavailable', maybeUsed })
  })

  it('a provider that is not there used nothing up', async () => {
    const held = await connected(use('etsy'))
    const gone = { ...use('etsy'), name: 'gone', endpoints: { ...use('etsy').endpoints, token: 'http://127.0.0.1:9/' } }
    expect(await engine.refresh(gone, held)).toEqual({ kind: 'unavailable', why: 'unreachable', maybeUsed: false })
  })

  it('Google: a refresh brings no refresh token; the old one stays', async () => {
    const held = await connected(use('google'))
    const refreshed = await engine.refresh(use('google'), held)
    if (refreshed.kind !== 'done') throw new Error(refreshed.kind)
    expect(refreshed.tokens.refreshToken).toBeUndefined()
    expect(await engine.refresh(use('google'), held)).toMatchObject({ kind: 'done' })
  })

  it('our own wrong secret is nobody’s dead connection', async () => {
    const held = await connected(use('google'))
    const wrong = readOAuthProvider(
      {
        name: 'wrong',
        preset: 'google',
        issuer: google.issuer,
        client_id: google.clientId,
        client_secret: { env: 'S' },
      },
      { S: 'wrong' },
    )
    expect(await engine.refresh(wrong, held)).toEqual({ kind: 'unavailable', why: 'invalid_client', maybeUsed: false })
  })

  it('a provider without revocation says so', async () => {
    const held = await connected(use('etsy'))
    expect(await engine.revoke(use('etsy'), held.refreshToken)).toEqual({ kind: 'unsupported' })
  })
})
