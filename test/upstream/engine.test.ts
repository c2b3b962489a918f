import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { consent } from '../emulators/emulator.ts'
import { startOpenId, type OpenId, type OpenIdFaults } from '../emulators/openid.ts'
import { begin, browser, comeBack, createEngine, readOAuthProvider, through } from './house.ts'
import { startProviders, type Providers } from './providers.ts'

const engine = createEngine()
let at: Providers
let plain: OpenId
let google: OpenId
beforeAll(async () => {
  at = await startProviders()
  ;({ plain, google } = at)
})
afterAll(() => at.close())
const use = (name: keyof Providers['entries']): OAuthProvider => at.entries[name]

afterEach(() => {
  for (const { faults } of [plain]) for (const key of Object.keys(faults)) delete faults[key as keyof OpenIdFaults]
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

  it('carries what its entry adds, which never stands in place of ours', async () => {
    const provider = {
      ...use('plain'),
      authorizeParameters: { hd: 'example.org', state: 'theirs', client_id: 'theirs' },
    }
    const { searchParams } = new URL(await begin(engine, provider))
    expect([searchParams.get('hd'), searchParams.get('client_id')]).toEqual(['example.org', provider.clientId])
    expect(searchParams.getAll('state')).toEqual([expect.stringMatching(/^[\w-]{43}$/)])
  })

  it('RFC 7636: sends nobody to a provider without S256 whose entry requires it', async () => {
    plain.faults.metadata = (document) => ({ ...document, code_challenge_methods_supported: ['plain'] })
    const asked = { purpose: { for: 'sign-in' }, browserHash: browser, scope: ['openid'], offline: false } as const
    const opened = await engine.open({ ...use('plain'), name: 'without-s256', pkce: 'required' }, asked)
    expect(opened).toMatchObject({ kind: 'refused', reason: 'upstream_misconfigured', why: 'pkce' })
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
  it('names that the ID token lacks come from userinfo, if it is of the same person', async () => {
    expect(await through(engine, use('plain'))).toMatchObject({
      identity: { suggestions: ['ada'], fullName: 'Ada Lovelace' },
    })
    plain.faults.userinfo = { json: { sub: 'somebody else', preferred_username: 'mallory' } }
    const done = await through(engine, use('plain'))
    expect(done).toMatchObject({ kind: 'done', identity: { subject: 'subject-1', suggestions: [] } })
  })

  it('OIDC Core §5.3.2: what was signed wins over what userinfo says', async () => {
    plain.faults.claims = (claims) => ({ ...claims, preferred_username: 'signed', email: 'signed@example.org' })
    plain.faults.userinfo = {
      json: {
        sub: 'subject-1',
        preferred_username: 'unsigned',
        email: 'unsigned@example.org',
        email_verified: true,
      },
    }
    expect(await through(engine, use('plain'))).toMatchObject({
      kind: 'done',
      identity: { suggestions: ['signed'], verifiedEmail: 'signed@example.org' },
    })
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
    'one audience, and another authorized party': { claims: (claims) => ({ ...claims, azp: 'other' }) },
    'an authorized party that is no text': { claims: (claims) => ({ ...claims, azp: [claims['aud']] }) },
    'another nonce': { claims: (claims) => ({ ...claims, nonce: 'another' }) },
    'no nonce': { claims: ({ nonce: _nonce, ...claims }) => claims },
    expired: { claims: (claims) => ({ ...claims, exp: now() - 300 }) },
    'no expiry': { claims: ({ exp: _exp, ...claims }) => claims },
    'not valid yet': { claims: (claims) => ({ ...claims, nbf: now() + 3600 }) },
    'made in the future': { claims: (claims) => ({ ...claims, iat: now() + 3600, exp: now() + 7200 }) },
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

it('RFC 9207 §2.4: where the entry promises `iss`, a callback without it is refused, whatever the metadata say', async () => {
  expect(await through(engine, { ...use('etsy'), name: 'promised', responseIss: true })).toMatchObject({
    kind: 'refused',
    reason: 'upstream_issuer',
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
    'a token that is bound to a key': { token: (body) => ({ ...body, token_type: 'DPoP' }) },
    'a life longer than any': { token: (body) => ({ ...body, expires_in: 1e300 }) },
    'a life longer than any, as text': { token: (body) => ({ ...body, expires_in: '4000000001' }) },
    'less than a second': { token: (body) => ({ ...body, expires_in: 0.5 }) },
    'an access token of two lines': { token: (body) => ({ ...body, access_token: 'a\nb' }) },
    'an access token of two words': { token: (body) => ({ ...body, access_token: 'a b' }) },
    'an access token with a NUL': { token: (body) => ({ ...body, access_token: 'tok\u0000x' }) },
    'an access token that no header holds': { token: (body) => ({ ...body, access_token: '日本' }) },
    'a refresh token of two lines': { token: (body) => ({ ...body, refresh_token: 'r\nx' }) },
    'members twice': {
      tokenReply: {
        headers: { 'content-type': 'application/json' },
        text: '{"access_token":"a","access_token":"b","token_type":"bearer"}',
      },
    },
    'members of a form twice': {
      tokenReply: {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        text: 'access_token=a&access_token=b&token_type=bearer',
      },
    },
    'a list': { tokenReply: { headers: { 'content-type': 'application/json' }, text: '[]' } },
  }
  it.each(Object.entries(answers))('%s', async (_name, faults) => {
    Object.assign(plain.faults, faults)
    // Where no ID token is wanted either, whose absence would be enough.
    const done = await through(engine, { ...use('plain'), tokenResponse: 'form' }, { scope: ['profile'] })
    expect(done.kind === 'refused' || done.kind === 'unavailable', JSON.stringify(done)).toBe(true)
  })

  it('ten megabytes, silence and a 500 are "not now"', async () => {
    plain.faults.tokenReply = { text: 'x'.repeat(10_000_000) }
    expect(await through(engine, use('plain'))).toMatchObject({ kind: 'unavailable', why: 'too_large' })
    plain.faults.tokenReply = { hangUp: true }
    expect(await through(engine, use('plain'))).toMatchObject({ kind: 'unavailable', why: 'broken' })
    plain.faults.tokenReply = { status: 503, headers: { 'retry-after': '7' }, text: 'later' }
    expect(await through(engine, use('plain'))).toEqual({
      kind: 'unavailable',
      reason: 'upstream_unavailable',
      why: 'status 503',
      retryAfter: 7,
    })
    const inTen = new Date((engine.clock.seconds() + 600) * 1000).toUTCString()
    plain.faults.tokenReply = { status: 429, headers: { 'retry-after': inTen }, text: 'later' }
    const dated = await through(engine, use('plain'))
    if (dated.kind !== 'unavailable') throw new Error(dated.kind)
    expect(dated.retryAfter).toBeGreaterThan(590)
    expect(dated.retryAfter).toBeLessThanOrEqual(600)
  })

  it('F16: a redirect of the token endpoint is not followed', async () => {
    plain.faults.tokenReply = { status: 307, headers: { location: `${google.issuer}/token` } }
    const before = google.asked.length
    expect(await through(engine, use('plain'))).toMatchObject({ kind: 'unavailable', why: 'redirect' })
    expect(google.asked).toHaveLength(before)
  })

  it('a life that isn’t said, or is 0, is the one of the entry, and unknown without', async () => {
    for (const life of [{}, { expires_in: 0 }, { expires_in: '0' }]) {
      plain.faults.token = ({ expires_in: _life, ...body }) => ({ ...body, ...life })
      const said = await through(engine, { ...use('plain'), expiresIn: 120 })
      const unsaid = await through(engine, use('plain'))
      if (said.kind !== 'done' || unsaid.kind !== 'done') throw new Error(`${said.kind} ${unsaid.kind}`)
      expect((said.tokens.expiresAt ?? 0) - engine.clock.seconds()).toBeGreaterThan(110)
      expect(unsaid.tokens.expiresAt).toBeUndefined()
    }
  })

  it('an ID token that nobody asked for is not looked at, whatever it is', async () => {
    at.etsy.faults.push({ json: { access_token: '7.a', token_type: 'bearer', expires_in: 60, id_token: 'no JWT' } })
    expect(await through(engine, use('etsy'))).toMatchObject({ kind: 'done', identity: { subject: '7' } })
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

  it('looks at no ID token: a refresh is nobody’s sign-in', async () => {
    const held = await connected(use('plain'))
    plain.faults.token = (body) => ({ ...body, id_token: 'no JWT' })
    expect((await engine.refresh(use('plain'), held)).kind).toBe('done')
  })

  it('a provider that is not there used nothing up', async () => {
    const held = await connected(use('etsy'))
    const gone = { ...use('etsy'), name: 'gone', endpoints: { ...use('etsy').endpoints, token: 'http://127.0.0.1:9/' } }
    expect(await engine.refresh(gone, held)).toEqual({
      kind: 'unavailable',
      reason: 'upstream_unavailable',
      why: 'unreachable',
      maybeUsed: false,
    })
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
    expect(await engine.refresh(wrong, held)).toEqual({
      kind: 'unavailable',
      reason: 'upstream_refused',
      why: 'invalid_client',
      maybeUsed: false,
    })
  })

  it('L21: a refresh token is dead in the words of RFC 6749 and of the entry, and in no others', async () => {
    const held = await connected(use('etsy'))
    const said = async (error: string, refreshErrors: readonly string[]) => {
      at.etsy.faults.push({ status: 400, json: { error } })
      return engine.refresh({ ...use('etsy'), refreshErrors }, held)
    }
    expect(await said('token_gone', ['token_gone'])).toEqual({ kind: 'denied', why: 'token_gone' })
    expect(await said('invalid_grant', ['token_gone'])).toEqual({ kind: 'denied', why: 'invalid_grant' })
    expect(await said('token_gone', [])).toMatchObject({ kind: 'unavailable', why: 'token_gone', maybeUsed: false })
    expect(use('github').refreshErrors).toEqual(['bad_refresh_token'])
  })

  it('a provider without revocation says so', async () => {
    const held = await connected(use('etsy'))
    expect(await engine.revoke(use('etsy'), held.refreshToken)).toEqual({ kind: 'unsupported' })
  })
})
