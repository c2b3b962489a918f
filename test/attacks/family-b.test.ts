import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { patchUser } from '../../src/accounts/patch-user.ts'
import type { User } from '../../src/domain/user.ts'
import { createBrowser, errorOf, readForm, type Answer, type Browser } from '../kit/browser.ts'
import {
  authorize,
  authorizeUrl,
  claimsOf,
  codeFlow,
  follow,
  introspect,
  park,
  signInFor,
  submit,
  tokenRequest,
  userinfo,
  verifier,
  type Extra,
} from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { attack, eventsOf, expectPage, expectRedirect, expectTokenError, type House } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let other: MadeClient
let native: MadeClient
let house: House
let ada: User
/** Signed in as ada, who has agreed to everything `app` asks for. */
let signedIn: Browser

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  await server.makeUser('bob')
  app = await server.makeClient({ redirect_uris: ['https://app.example/cb', 'https://app.example/second'] })
  other = await server.makeClient({ client_id: 'other' })
  native = await server.makeClient({
    client_id: 'cli',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/cb'],
    grant_types: ['authorization_code', 'refresh_token'],
  })
  signedIn = (await codeFlow(server, app, 'ada')).browser
  house = { server, app, secrets: [app.secret, password] }
})
afterAll(() => server.close())

async function code(extra: Extra = {}): Promise<string> {
  const back = await authorize(server, signedIn, authorizeUrl(app, extra), 'ada')
  return back.searchParams.get('code') ?? ''
}

function redeem(text: string, form: Readonly<Record<string, string>> = {}, client: MadeClient = app): Promise<Answer> {
  const all: Record<string, string> = { grant_type: 'authorization_code', code: text, code_verifier: verifier, ...form }
  return tokenRequest(server, client, Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')))
}

describe('family B: codes, PKCE, response modes, consent', () => {
  const bad: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['B01 verifier-omitted', { code_verifier: '' }],
    ['B05 bad-shape: 42 characters', { code_verifier: 'x'.repeat(42) }],
    ['B05 bad-shape: 129 characters', { code_verifier: 'x'.repeat(129) }],
    ['another verifier', { code_verifier: 'x'.repeat(43) }],
    ['B14 cross-URI', { redirect_uri: 'https://app.example/second' }],
  ]
  test.each(bad)('%s: refused, and the code is burned', async (_, form) => {
    const text = await code()
    expectTokenError(await attack(house, () => redeem(text, form), { writes: ['grant', 'event'] }), 'invalid_grant')
    expectTokenError(await attack(house, () => redeem(text)), 'invalid_grant')
  })

  test('B02 downgrade: a verifier for a code without challenge can not be, since no such code is given (B03)', async () => {
    const asked = authorizeUrl(app, { code_challenge: '', code_challenge_method: '' })
    const answer = await attack(house, () => signedIn.ask(asked))
    expectRedirect(answer, server, 'invalid_request')
  })

  test('B06 constant-challenge: counted and told once for its client, and reloading the same request is none', async () => {
    const lazy = await server.makeClient({ client_id: 'lazy' })
    const { browser } = await codeFlow(server, lazy, 'ada')
    const counted = async () =>
      Number(/^gatehouse_repeated_challenges_total (\d+)/m.exec(await server.metricsText())?.[1])
    const told = () =>
      server
        .logged()
        .split('\n')
        .filter((line) => line.includes('client.repeats_challenge'))
    const before = await counted()
    const ask = (state: string) => authorize(server, browser, authorizeUrl(lazy, { state }), 'ada')
    await ask('one')
    const repeated = (await counted()) - before
    await ask('one')
    expect((await counted()) - before).toBe(repeated)
    for (const state of ['two', 'three']) expect((await ask(state)).searchParams.has('code')).toBe(true)
    expect((await counted()) - before).toBe(repeated + 2)
    expect(told()).toEqual([expect.stringContaining('"clientId":"lazy"')])
  })

  test.each<[string, Extra]>([
    ['B03 no-challenge', { code_challenge: '', code_challenge_method: '' }],
    ['B04 plain', { code_challenge_method: 'plain' }],
    ['B04 method absent', { code_challenge_method: '' }],
    ['B05 short challenge', { code_challenge: 'x'.repeat(42) }],
    ['B05 challenge of another alphabet', { code_challenge: `${'x'.repeat(42)}+` }],
  ])('%s: refused to the client, for confidential and public clients alike', async (_, extra) => {
    expectRedirect(await attack(house, () => signedIn.ask(authorizeUrl(app, extra))), server, 'invalid_request')
    const publicly = await signedIn.ask(authorizeUrl(native, { ...extra, redirect_uri: 'http://127.0.0.1:4711/cb' }))
    expectRedirect(publicly, server, 'invalid_request', { to: 'http://127.0.0.1:4711/cb' })
  })

  test('B07 replay: the second redemption revokes what the first one made', async () => {
    const text = await code()
    const { access_token } = (await redeem(text)).json() as { access_token: string }
    expectTokenError(await attack(house, () => redeem(text), { writes: ['grant', 'event'] }), 'invalid_grant')
    expect((await userinfo(server, access_token)).status).toBe(401)
    expect(await introspect(server, app, access_token)).toEqual({ active: false })
  })

  test('B08 replay-race: of 50 parallel redemptions exactly one succeeds, and its tokens die with the replays', async () => {
    for (let round = 0; round < 5; round += 1) {
      const text = await code()
      const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(text)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      for (const answer of answers.filter(({ status }) => status !== 200)) expectTokenError(answer, 'invalid_grant')
    }
  })

  test('B09 other-client: a stolen code burns, with an event', async () => {
    const text = await code()
    expectTokenError(
      await attack(house, () => redeem(text, {}, other), { writes: ['grant', 'event'] }),
      'invalid_grant',
    )
    expect((await eventsOf(server)).map(({ reason }) => reason)).toContain('code_of_other_client')
    expectTokenError(await redeem(text), 'invalid_grant')
  })

  test('B11 guess: guesses are counted, then answered 429; a code has 256 bits of MAC', async () => {
    onTestFinished(server.clock.stand())
    const text = await code()
    const guess = (index: number) => `${text.slice(0, -6)}${String(index).padStart(6, 'A')}`
    const statuses: number[] = []
    for (let index = 0; index < 62; index += 1) statuses.push((await redeem(guess(index))).status)
    expect(new Set(statuses.slice(0, 60))).toEqual(new Set([400]))
    expect(statuses.at(-1)).toBe(429)
    server.clock.advance(3600)
    const parts = text.split('.')
    expect(Buffer.from(parts.at(-1) ?? '', 'base64url')).toHaveLength(32)
    signedIn = (await codeFlow(server, app, 'ada')).browser
  })

  const types = ['token', 'id_token', 'code token', 'code id_token', 'none', 'foo']
  test.each(types)('B15 implicit: response_type=%s without the switch, by GET and POST', async (type) => {
    const url = authorizeUrl(app, { response_type: type })
    const error = type === 'token' ? 'unauthorized_client' : 'unsupported_response_type'
    expectRedirect(await attack(house, () => signedIn.ask(url)), server, error)
    const [path = '', query = ''] = url.split('?')
    const posted = await attack(house, () =>
      signedIn.ask(path, { body: query, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
    )
    expectRedirect(posted, server, error)
  })

  test('B15 implicit: with the switch, in the fragment alone, short, without refresh token', async () => {
    const old = await server.makeClient({
      client_id: 'old',
      legacy: ['implicit'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
    })
    const url = authorizeUrl(old, {
      response_type: 'token',
      scope: 'openid profile',
      code_challenge: '',
      code_challenge_method: '',
    })
    const back = await authorize(server, signedIn, url, 'ada')
    expect(back.search).toBe('')
    const given = new URLSearchParams(back.hash.slice(1))
    expect([...given.keys()].toSorted()).toEqual(['access_token', 'expires_in', 'iss', 'scope', 'state', 'token_type'])
    expect(Number(given.get('expires_in'))).toBeLessThanOrEqual(300)
    expect((await userinfo(server, given.get('access_token') ?? '')).status).toBe(200)
    const query = await signedIn.ask(`${url}&response_mode=query`)
    expect(query.location ?? '').not.toContain('access_token')
  })

  test('B15 implicit: for an API whose tokens live shorter, no longer than those', async () => {
    const resource = 'https://brief.example'
    await server.makeResource({ resource, scope: 'read', access_token: { format: 'opaque', ttl: 60 } })
    const brief = await server.makeClient({ client_id: 'brief', legacy: ['implicit'], scope: 'openid read' })
    const url = authorizeUrl(brief, {
      response_type: 'token',
      scope: 'openid read',
      resource,
      code_challenge: '',
      code_challenge_method: '',
    })
    const given = new URLSearchParams((await authorize(server, signedIn, url, 'ada')).hash.slice(1))
    expect(given.get('expires_in')).toBe('60')
  })

  test.each(['fragment', 'web_message', 'jwt', 'constructor'])(
    'B17 mode-swap: response_mode=%s is refused',
    async (mode) => {
      expectRedirect(
        await attack(house, () => signedIn.ask(authorizeUrl(app, { response_mode: mode }))),
        server,
        'invalid_request',
      )
    },
  )

  test('B18 state-echo: octet-exact up to 2 KB', async () => {
    const odd = `ü &=?#%25"<>'\\{}|^\`${'x'.repeat(1900)}`
    const back = await authorize(server, signedIn, authorizeUrl(app, { state: odd }), 'ada')
    expect(back.searchParams.get('state')).toBe(odd)
    const none = await authorize(server, signedIn, authorizeUrl(app, { state: '' }), 'ada')
    expect(none.searchParams.has('state')).toBe(false)
    const long = await attack(house, () => signedIn.ask(authorizeUrl(app, { state: 'x'.repeat(4096) })))
    expectRedirect(long, server, 'invalid_request', { state: null })
  })

  test('B19 no-iss: every authorization response names the issuer, errors included', async () => {
    const back = await authorize(server, signedIn, authorizeUrl(app), 'ada')
    expect(back.searchParams.get('iss')).toBe(server.url)
    const refused = await signedIn.ask(authorizeUrl(app, { scope: 'openid admin' }))
    expectRedirect(refused, server, 'invalid_scope')
  })

  test('B20 referer: no page tells where it was, and none loads anything', async () => {
    const page = await follow(server, createBrowser(server.url), await createBrowser(server.url).ask(authorizeUrl(app)))
    for (const answer of [
      page,
      await signedIn.ask('/'),
      await signedIn.ask('/nowhere', { headers: { accept: 'text/html' } }),
    ]) {
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
      expect(answer.text).not.toMatch(/(?:src|href)="https?:/)
    }
  })

  describe('B22 max_age and prompt', () => {
    test('prompt=login asks again, makes a new session and a fresh auth_time', async () => {
      const browser = (await codeFlow(server, app, 'ada')).browser
      const before = browser.cookies.get('gatehouse-session')
      server.clock.advance(30)
      const flow = await codeFlow(server, app, 'ada', { browser, extra: { prompt: 'login' } })
      expect(browser.cookies.get('gatehouse-session')).not.toBe(before)
      expect(claimsOf(flow.tokens.id_token)['auth_time']).toBeGreaterThanOrEqual(server.clock.seconds() - 5)
    })

    test('max_age with an old session asks again', async () => {
      const browser = (await codeFlow(server, app, 'ada')).browser
      server.clock.advance(30)
      const page = await follow(server, browser, await browser.ask(authorizeUrl(app, { max_age: '1' })))
      expect(page.text).toContain('<form id="sign-in"')
    })

    test('signing in as somebody else mixes no two people under one sid', async () => {
      const first = await codeFlow(server, app, 'ada')
      const { browser } = first
      const page = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'login' })))
      let answer = await follow(server, browser, await submit(browser, page, 'sign-in', { username: 'bob', password }))
      if (answer.text.includes('<form id="consent"'))
        answer = await submit(browser, answer, 'consent', { decision: 'allow' })
      const text = new URL(answer.location ?? '').searchParams.get('code') ?? ''
      const second = claimsOf((await redeem(text)).json()['id_token'] as string)
      const before = claimsOf(first.tokens.id_token)
      expect(second['sub']).not.toBe(before['sub'])
      expect(second['sid']).not.toBe(before['sid'])
    })

    test('going on with the old session after prompt=login does not count', async () => {
      const browser = (await codeFlow(server, app, 'ada')).browser
      const page = await park(server, browser, authorizeUrl(app, { prompt: 'login' }))
      const { interaction } = readForm(page.text, 'sign-in').fields
      for (const path of ['/consent', '/continue', '/oauth/authorize/resume']) {
        const answer = await follow(server, browser, await browser.ask(`${path}?interaction=${String(interaction)}`))
        expect(answer.location, path).toBeUndefined()
      }
    })
  })

  test('B23 auto-consent: a public client that anybody could claim to be is asked about each time', async () => {
    const to = { redirect_uri: 'http://127.0.0.1:4711/cb' }
    const flow = await authorize(server, signedIn, authorizeUrl(native, to), 'ada')
    expect(flow.searchParams.has('code')).toBe(true)
    const again = await follow(server, signedIn, await signedIn.ask(authorizeUrl(native, to)))
    expect(again.text).toContain('<form id="consent"')
  })

  test('B24 consent-tamper: the stored request wins; what the form adds is ignored', async () => {
    const browser = createBrowser(server.url)
    const url = authorizeUrl(app, { scope: 'openid profile', prompt: 'consent' })
    const page = await signInFor(server, browser, url, 'bob')
    const answer = await submit(browser, page, 'consent', {
      decision: 'allow',
      scope: ['openid', 'profile', 'write', 'admin'],
      client_id: 'other',
      redirect_uri: 'https://evil.example/',
      user_id: ada.userId,
      postLogin: 'true',
    })
    const back = new URL(answer.location ?? '')
    expect(back.origin).toBe('https://app.example')
    expect((await redeem(back.searchParams.get('code') ?? '')).json()).toMatchObject({ scope: 'openid profile' })
    const altered = (await eventsOf(server)).filter(({ type }) => type === 'consent.altered')
    expect(altered).toMatchObject([{ clientId: 'app', reason: 'scope_not_allowed' }])
  })

  test('a scope whose box is not ticked is not given', async () => {
    const browser = createBrowser(server.url)
    await server.makeUser('carol')
    const page = await signInFor(server, browser, authorizeUrl(app, { scope: 'openid profile email' }), 'carol')
    const answer = await submit(browser, page, 'consent', { decision: 'allow', scope: ['openid', 'email'] })
    const text = new URL(answer.location ?? '').searchParams.get('code') ?? ''
    expect((await redeem(text)).json()).toMatchObject({ scope: 'openid email' })
  })

  test('B25 HEAD: neither authorize nor consent do anything', async () => {
    for (const path of [authorizeUrl(app), '/consent', '/signin']) {
      const answer = await attack(house, () => signedIn.ask(path, { method: 'HEAD' }))
      expect(answer.status).toBe(405)
    }
  })

  describe('B26 consent-CSRF', () => {
    const signs: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ['another Origin', { origin: 'https://evil.example' }],
      ['Origin null', { origin: 'null' }],
      ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
      ['Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
      ['Sec-Fetch-Site: none', { 'sec-fetch-site': 'none' }],
    ]
    test.each(signs)('%s is 403', async (_, headers) => {
      const page = await follow(server, signedIn, await signedIn.ask(authorizeUrl(app, { prompt: 'consent' })))
      const form = readForm(page.text, 'consent')
      const answer = await attack(house, () =>
        signedIn.ask(form.action, { form: { ...form.fields, decision: 'allow' }, headers }),
      )
      expectPage(answer, 'access_denied', 403)
    })

    test.each(['', 'x', 'other purpose'])('form token %j is 403', async (token) => {
      const page = await follow(server, signedIn, await signedIn.ask(authorizeUrl(app, { prompt: 'consent' })))
      const form = readForm(page.text, 'consent')
      const elsewhere = readForm((await signedIn.ask('/signin')).text, 'sign-in').fields['csrf'] ?? ''
      const csrf = token === 'other purpose' ? elsewhere : token
      const answer = await attack(house, () =>
        signedIn.ask(form.action, { form: { ...form.fields, csrf, decision: 'allow' } }),
      )
      expectPage(answer, 'access_denied', 403)
    })

    test('the same form without any of it goes through', async () => {
      const page = await follow(server, signedIn, await signedIn.ask(authorizeUrl(app, { prompt: 'consent' })))
      const answer = await submit(signedIn, page, 'consent', { decision: 'allow' })
      expect(answer.location).toContain('code=')
    })
  })

  test.each(['allow', 'deny'])(
    'a page that is answered ten times at once (%s) gives back one place',
    async (decision) => {
      const forgiven = vi.spyOn(server.core.limits, 'forgive')
      const page = await follow(server, signedIn, await signedIn.ask(authorizeUrl(app, { prompt: 'consent' })))
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => submit(signedIn, page, 'consent', { decision })),
      )
      expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
      expect(forgiven.mock.calls.filter(([purpose]) => purpose === 'park')).toHaveLength(1)
      forgiven.mockRestore()
    },
  )

  test('B28 shared-consent-link: a parked request belongs to one browser', async () => {
    const parked = await park(server, createBrowser(server.url), authorizeUrl(app))
    const victim = (await codeFlow(server, app, 'bob')).browser
    const id = String(readForm(parked.text, 'sign-in').fields['interaction'])
    for (const page of ['/signin', '/consent', '/continue', '/oauth/authorize/resume']) {
      const answer = await attack(house, () => victim.ask(`${page}?interaction=${id}`))
      expect([answer.status, errorOf(answer.text)], page).toEqual([403, 'interaction_expired'])
    }
  })

  test('B28 shared-consent-link: so does a request that its sign-in page carries', async () => {
    const carried = await createBrowser(server.url).ask(authorizeUrl(app))
    const victim = (await codeFlow(server, app, 'bob')).browser
    const text = String(readForm(carried.text, 'sign-in').fields['interaction'])
    const answer = await attack(house, () => victim.ask(`/signin?interaction=${text}`))
    expect([answer.status, errorOf(answer.text)]).toEqual([403, 'interaction_expired'])
    // Behind the sign-in page there is no such name.
    for (const page of ['/consent', '/continue', '/oauth/authorize/resume'])
      expect((await attack(house, () => victim.ask(`${page}?interaction=${text}`))).status, page).toBe(400)
  })

  test('B29 sub-collision: no client id looks like a user id', async () => {
    await expect(server.makeClient({ client_id: ada.userId })).rejects.toThrow(/client_id/)
  })

  test('B30 GET-token: 405, and the code is not burned', async () => {
    const text = await code()
    const query = new URLSearchParams({ grant_type: 'authorization_code', code: text, code_verifier: verifier })
    const answer = await attack(
      house,
      () =>
        createBrowser(server.url).ask(`/oauth/token?${query.toString()}`, { headers: { authorization: app.basic } }),
      { secrets: [text] },
    )
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toMatch(/^POST\b/)
    expect((await redeem(text)).status).toBe(200)
  })

  test.each([
    '{"id_token":{"iss":{"value":"https://evil.example"},"aud":{"value":"x"},"sub":{"value":["a"]}}}',
    `${'{"userinfo":'.repeat(50)}1${'}'.repeat(50)}`,
    '[]',
    '{"id_token":[]}',
    '{"__proto__":{"isAdmin":true}}',
    'null',
    `{"userinfo":{${Array.from({ length: 500 }, (_, index) => `"a${index}":null`).join(',')}}}`,
  ])('B31 requested-claims: %s never reach a protocol claim', async (claims) => {
    const answer = await follow(server, signedIn, await signedIn.ask(authorizeUrl(app, { claims })))
    if (answer.location?.includes('error=') === true) {
      expectRedirect(answer, server, 'invalid_request')
      return
    }
    const done = answer.text.includes('<form id="consent"')
      ? await submit(signedIn, answer, 'consent', { decision: 'allow' })
      : answer
    if (done.location === undefined) {
      // Another subject than the one signed in was asked for: the person may sign in as him, and nothing else happens.
      expect(done.text).toContain('<form id="sign-in"')
      return
    }
    const text = new URL(done.location).searchParams.get('code') ?? ''
    const idToken = claimsOf((await redeem(text)).json()['id_token'] as string)
    expect(idToken).toMatchObject({ iss: server.url, aud: 'app', sub: ada.userId })
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })

  test('B31 requested-claims: single claims come where they were asked for', async () => {
    await patchUser(server.core, { actor: { kind: 'cli' }, userId: ada.userId, patch: { email: 'ada@example.org' } })
    const claims = '{"id_token":{"email":null},"userinfo":{"email":{"essential":true}}}'
    const flow = await codeFlow(server, app, 'ada', { extra: { scope: 'openid', claims } })
    expect(claimsOf(flow.tokens.id_token)).toMatchObject({ email: 'ada@example.org' })
    expect((await userinfo(server, flow.tokens.access_token)).json()).toMatchObject({ email: 'ada@example.org' })
  })
})
