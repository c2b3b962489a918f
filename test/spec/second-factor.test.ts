import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFactors } from '../../src/accounts/find-factors.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { resetFactors } from '../../src/accounts/reset-factors.ts'
import { totp } from '../../src/crypto/one-time-code.ts'
import type { AuditEvent } from '../../src/domain/event.ts'
import type { User } from '../../src/domain/user.ts'
import { becomeBot } from '../kit/become-bot.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { authorize, authorizeUrl, claimsOf, codeFlow, follow, submit, tokenRequest, verifier } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import {
  enrol,
  recoveryCodesOf,
  secretOf,
  sendCode,
  sendPassword,
  signedInBrowser,
  type App,
} from '../kit/second-factor.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'

let server: TestGatehouse
let client: MadeClient
let desk: MadeClient
const cli = { kind: 'cli' } as const

beforeAll(async () => {
  server = await startGatehouse({ passwords: plainPasswords })
  client = await server.makeClient()
  desk = await server.makeClient({
    client_id: 'desk',
    scope: 'openid me offline_access',
    grant_types: ['authorization_code', 'refresh_token', 'password'],
    legacy: ['password'],
  })
})
afterAll(() => server.close())

let count = 0
/** Somebody with an authenticator, in a browser in which he set it up, at the beginning of a step that no code was used of. */
async function somebody(): Promise<{ user: User; browser: Browser; app: App }> {
  const user = await server.makeUser(`person${(count += 1)}`)
  const browser = await signedInBrowser(server, user.username)
  const app = await enrol(server, browser)
  server.clock.advance(30)
  return { user, browser, app }
}
/** A browser that nobody knows, which has sent the right password. */
async function halfWay(username: string): Promise<{ browser: Browser; page: Awaited<ReturnType<Browser['ask']>> }> {
  const browser = createBrowser(server.url)
  const sent = await sendPassword(browser, username)
  expect(sent.location).toMatch(/^\/second-factor\?attempt=/)
  return { browser, page: await browser.ask(sent.location ?? '') }
}
const isIn = async (browser: Browser) => (await browser.ask('/account')).status === 200
const eventsOf = async (user: User) => {
  const types: string[] = []
  for await (const record of server.core.admin.scan('event')) {
    const { userId, type, reason } = record.value as AuditEvent
    if (userId === user.userId) types.push(reason === undefined ? type : `${type} ${reason}`)
  }
  return types
}

describe('a locked account', () => {
  test('says so to whoever knows its password, and to nobody else', async () => {
    const user = await server.makeUser('gabi')
    await server.makeUser('hugo')
    await patchUser(server.core, { actor: cli, userId: user.userId, patch: { locked: true } })
    const right = await sendPassword(createBrowser(server.url), 'gabi')
    expect([right.status, right.text.includes('This account is locked.')]).toEqual([403, true])
    const [wrong, ordinary] = [
      await sendPassword(createBrowser(server.url), 'gabi', 'wrong'),
      await sendPassword(createBrowser(server.url), 'hugo', 'wrong'),
    ]
    const alertIn = ({ text }: Answer) => /<[^>]*role="alert"[^>]*>.*?<\/\w+>/s.exec(text)?.[0]
    expect(alertIn(ordinary)).toBeDefined()
    expect([wrong.status, alertIn(wrong)]).toEqual([ordinary.status, alertIn(ordinary)])
    expect(wrong.text).not.toContain('locked')
  })
})

describe('a bot', () => {
  test('has no password: its right one is answered as a wrong one, and the event says why', async () => {
    const user = await server.makeUser('ivo')
    await becomeBot(server, 'ivo')
    const browser = createBrowser(server.url)
    const [right, wrong] = [
      await sendPassword(browser, 'ivo'),
      await sendPassword(createBrowser(server.url), 'ivo', 'wrong'),
    ]
    const alertIn = ({ text }: Answer) => /<[^>]*role="alert"[^>]*>.*?<\/\w+>/s.exec(text)?.[0]
    expect([right.status, alertIn(right)]).toEqual([wrong.status, alertIn(wrong)])
    expect(await isIn(browser)).toBe(false)
    expect(await eventsOf(user)).toEqual(expect.arrayContaining(['signin.failed user_bot']))
  })

  test('gets nothing more by a code or a refresh token that a sign-in of before left behind', async () => {
    await server.makeUser('iwan')
    const { tokens, browser } = await codeFlow(server, client, 'iwan')
    const back = await authorize(server, browser, authorizeUrl(client), 'iwan')
    await becomeBot(server, 'iwan')
    const code = back.searchParams.get('code') ?? ''
    for (const request of [
      { grant_type: 'refresh_token', refresh_token: tokens.refresh_token },
      { grant_type: 'authorization_code', code, code_verifier: verifier },
    ]) {
      const answer = await tokenRequest(server, client, request)
      expect([request.grant_type, answer.status, answer.json()['error']]).toEqual([
        request.grant_type,
        400,
        'invalid_grant',
      ])
    }
  })
})

describe('setting an authenticator up', () => {
  test('takes its first right code, shows ten recovery codes once, and keeps neither as it is', async () => {
    const user = await server.makeUser('ada')
    const browser = await signedInBrowser(server, 'ada')
    const page = await browser.ask('/account/authenticator')
    expect(page.text).toContain('<svg class="qr" role="img"')
    const wrong = await submit(browser, page, 'authenticator', { code: '000000' })
    expect(wrong.status).toBe(403)
    expect(await findFactors(server.core, user.userId)).toBeUndefined()

    // The wrong code costs nothing but time: the picture is still the same.
    const again = await enrol(server, browser)
    expect(again.recoveryCodes).toHaveLength(10)
    expect(new Set(again.recoveryCodes).size).toBe(10)
    const stored = JSON.stringify(await findFactors(server.core, user.userId))
    for (const secret of [Buffer.from(again.secret).toString('base64url'), ...again.recoveryCodes])
      expect(stored).not.toContain(secret)
    expect((await browser.ask('/account/recovery-codes')).text).not.toContain(again.recoveryCodes[0])
    expect((await browser.ask('/account/authenticator')).text).toContain('<form id="remove-authenticator"')
    expect(await eventsOf(user)).toEqual(expect.arrayContaining(['factor.added', 'recovery_codes.made']))
  })

  test('a second one can’t take the first one’s place, nor one of another session', async () => {
    const user = await server.makeUser('bea')
    const [one, other] = [await signedInBrowser(server, 'bea'), await signedInBrowser(server, 'bea')]
    const [pageOfOne, pageOfOther] = [
      await one.ask('/account/authenticator'),
      await other.ask('/account/authenticator'),
    ]
    const stolen = /name="enrolment" value="([^"]+)"/.exec(pageOfOther.text)?.[1] ?? ''
    expect((await submit(one, pageOfOne, 'authenticator', { enrolment: stolen, code: '123456' })).status).toBe(400)
    await enrol(server, one)
    const before = await findFactors(server.core, user.userId)
    // The other session was opened by the password alone.
    const late = await submit(other, pageOfOther, 'authenticator', { code: '123456' })
    expect(late.location).toBe('/second-factor?next=/account/authenticator')
    expect(await findFactors(server.core, user.userId)).toEqual(before)
  })

  test('one that was begun before the first was set up doesn’t take its place', async () => {
    const user = await server.makeUser('dot')
    const browser = await signedInBrowser(server, 'dot')
    const begun = await browser.ask('/account/authenticator')
    await enrol(server, browser)
    const before = await findFactors(server.core, user.userId)
    const code = totp({ secret: secretOf(begun.text), now: server.clock.seconds() })
    expect((await submit(browser, begun, 'authenticator', { code })).status).toBe(400)
    expect(await findFactors(server.core, user.userId)).toEqual(before)
  })

  test('needs a recent sign-in', async () => {
    await server.makeUser('cyd')
    const browser = await signedInBrowser(server, 'cyd')
    server.clock.advance(301)
    for (const section of ['authenticator', 'recovery-codes'])
      expect((await browser.ask(`/account/${section}`)).location).toBe(`/signin?next=/account/${section}`)
  })
})

describe('signing in with it', () => {
  test('the password alone opens nothing; password and code do, once', async () => {
    const { user, app } = await somebody()
    const { browser, page } = await halfWay(user.username)
    expect(await isIn(browser)).toBe(false)
    const done = await sendCode(browser, page, app.code())
    expect(done.location).toBe('/account')
    expect(await isIn(browser)).toBe(true)
    // G21: the step is passed and can't be passed again.
    expect((await sendCode(browser, page, app.code(30))).status).toBe(403)
  })

  test('amr, acr and auth_time say exactly how and when', async () => {
    const { user, app } = await somebody()
    const browser = createBrowser(server.url)
    const start = await follow(server, browser, await browser.ask(authorizeUrl(client)))
    const signInAt = server.clock.seconds()
    const page = await follow(
      server,
      browser,
      await submit(browser, start, 'sign-in', { username: user.username, password }),
    )
    server.clock.advance(40)
    const consent = await follow(server, browser, await sendCode(browser, page, app.code()))
    const allowed = await submit(browser, consent, 'consent', { decision: 'allow' })
    const code = new URL((await follow(server, browser, allowed)).location ?? '').searchParams.get('code') ?? ''
    const answer = await tokenRequest(server, client, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
    })
    const claims = claimsOf(String(answer.json()['id_token']))
    expect(claims).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] })
    expect(Number(claims['auth_time']) - signInAt).toBeLessThanOrEqual(2)
  })

  test('RFC 6238 §5.2, H16: of twenty copies of one code at once one gets in, and none later', async () => {
    const { user, app } = await somebody()
    const halves = await Promise.all(Array.from({ length: 8 }, () => halfWay(user.username)))
    const code = app.code()
    const answers = await Promise.all(halves.map(({ browser, page }) => sendCode(browser, page, code)))
    expect(answers.filter(({ location }) => location === '/account')).toHaveLength(1)
    const later = await halfWay(user.username)
    expect((await sendCode(later.browser, later.page, code)).status).toBe(403)
    expect(await eventsOf(user)).toContain('signin.failed second_factor_wrong')
  })

  test('spaces that people copy along don’t matter', async () => {
    const { user, app } = await somebody()
    const { browser, page } = await halfWay(user.username)
    expect((await sendCode(browser, page, app.code().replace(/(...)/, '$1 '))).location).toBe('/account')
  })

  test('G21: half a sign-in is bound to its browser, its account and ten minutes', async () => {
    const { user, app } = await somebody()
    const { browser, page } = await halfWay(user.username)
    const stranger = await halfWay((await somebody()).user.username)
    const attempt = /name="attempt" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    expect((await stranger.browser.ask(`/second-factor?attempt=${attempt}`)).status).toBe(403)
    const moved = await submit(stranger.browser, stranger.page, 'one-time-code', { attempt, code: app.code() })
    expect(moved.status).toBe(403)
    expect((await browser.ask('/second-factor?attempt=x')).status).toBe(400)
    expect((await browser.ask('/second-factor')).location).toBe('/signin')
    server.clock.advance(601)
    expect((await sendCode(browser, page, app.code())).status).toBe(400)
  })

  test('what ends an account’s sessions ends its half sign-ins', async () => {
    const { user, app } = await somebody()
    const { browser, page } = await halfWay(user.username)
    await resetFactors(server.core, { actor: cli, userId: user.userId })
    expect((await sendCode(browser, page, app.code())).status).toBe(400)
    expect(await isIn(browser)).toBe(false)
  })

  test('C25: the password grant refuses accounts that have one', async () => {
    const ask = (username: string) =>
      tokenRequest(server, desk, { grant_type: 'password', username, password, scope: 'openid' })
    await server.makeUser('plain')
    expect((await ask('plain')).status).toBe(200)
    const { user } = await somebody()
    const answer = await ask(user.username)
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_grant'])
  })
})

describe('H17: guessing', () => {
  test('ten guesses an account, over all half sign-ins; the owner goes on in a browser that knows him', async () => {
    const { user, browser: known, app } = await somebody()
    const statuses: number[] = []
    for (let guess = 0; guess < 12; guess += 1) {
      const { browser, page } = await halfWay(user.username)
      statuses.push((await sendCode(browser, page, '000000')).status)
    }
    expect(statuses).toEqual([...Array<number>(10).fill(403), 429, 429])
    const blocked = await halfWay(user.username)
    const right = await sendCode(blocked.browser, blocked.page, app.code())
    expect([right.status, Number(right.headers.get('retry-after')) > 0]).toEqual([429, true])
    // A recovery code can't be guessed, so guesses don't stand in its way.
    expect((await sendCode(blocked.browser, blocked.page, app.recoveryCodes[0] ?? '')).location).toBe('/account')

    await submit(known, await known.ask('/oauth/logout'), 'sign-out', {})
    const sent = await sendPassword(known, user.username)
    const page = await known.ask(sent.location ?? '')
    expect((await sendCode(known, page, app.code())).location).toBe('/account')
  })

  test('H04: parallel guesses count exactly', async () => {
    const { user } = await somebody()
    const { browser, page } = await halfWay(user.username)
    const answers = await Promise.all(Array.from({ length: 16 }, () => sendCode(browser, page, '000000')))
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(10)
  })
})

describe('recovery codes', () => {
  test('each once, in capitals or without hyphens too; no otp is claimed', async () => {
    const { user, app } = await somebody()
    const typed = (app.recoveryCodes[0] ?? '').toUpperCase().replaceAll('-', ' ')
    const first = await halfWay(user.username)
    expect((await sendCode(first.browser, first.page, typed)).location).toBe('/account')
    const { tokens } = await codeFlow(server, client, user.username, { browser: first.browser })
    expect(claimsOf(tokens.id_token)).toMatchObject({ acr: 'mfa', amr: ['pwd', 'mfa'] })
    const second = await halfWay(user.username)
    expect((await sendCode(second.browser, second.page, typed)).status).toBe(403)
    expect(await eventsOf(user)).toContain('recovery_code.used')
    expect((await first.browser.ask('/account/recovery-codes')).text).toContain('<dd id="codes-left">9</dd>')
  })

  test('of two codes for one half sign-in at once, one gets in', async () => {
    const { user, app } = await somebody()
    const { browser, page } = await halfWay(user.username)
    const answers = await Promise.all(
      app.recoveryCodes.slice(0, 6).map((code) => {
        const copy = createBrowser(server.url)
        for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
        return sendCode(copy, page, code)
      }),
    )
    expect(answers.filter(({ location }) => location === '/account')).toHaveLength(1)
  })

  test('new ones take the place of the old', async () => {
    const { user, browser, app } = await somebody()
    const shown = await submit(browser, await browser.ask('/account/recovery-codes'), 'recovery-codes', {})
    const fresh = recoveryCodesOf(shown.text)
    expect(fresh).toHaveLength(10)
    const half = await halfWay(user.username)
    expect((await sendCode(half.browser, half.page, app.recoveryCodes[3] ?? '')).status).toBe(403)
    expect((await sendCode(half.browser, half.page, fresh[3] ?? '')).location).toBe('/account')
  })

  test('somebody else’s open nothing', async () => {
    const [one, other] = [await somebody(), await somebody()]
    const half = await halfWay(one.user.username)
    expect((await sendCode(half.browser, half.page, other.app.recoveryCodes[0] ?? '')).status).toBe(403)
  })
})

describe('losing it', () => {
  test('an administrator takes it off; every session ends, and the password alone gets in', async () => {
    const { user, browser } = await somebody()
    const { tokens } = await codeFlow(server, client, user.username, { browser })
    await server.makeUser('root', { role: 'superuser' })
    const admin = await server.makeClient({
      client_id: 'admin-desk',
      scope: 'openid me admin',
      grant_types: ['authorization_code'],
    })
    const { access_token: bearer } = (await codeFlow(server, admin, 'root', { extra: { scope: 'openid me admin' } }))
      .tokens
    const call = (method: string, path: string) =>
      createBrowser(server.url).ask(path, { method, headers: { authorization: `Bearer ${bearer}` } })
    const path = `/api/v1/users/${user.userId}/factors`
    expect((await call('GET', path)).json()).toMatchObject({ authenticator: {}, recovery_codes_left: 10 })
    expect((await call('DELETE', path)).status).toBe(200)
    expect((await call('GET', path)).json()).toEqual({ authenticator: null, passkeys: [], recovery_codes_left: 0 })
    expect(await isIn(browser)).toBe(false)
    const refreshed = await tokenRequest(server, client, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    })
    expect(refreshed.status).toBe(400)
    await signedInBrowser(server, user.username)
    expect(await eventsOf(user)).toContain('factor.reset')
    // Not from himself: a stolen token would do it.
    const root = (await call('GET', '/api/v1/me')).json()['user_id']
    expect((await call('DELETE', `/api/v1/users/${String(root)}/factors`)).status).toBe(403)
  })

  test('its person gives it up himself, and the recovery codes with it', async () => {
    const { user, browser } = await somebody()
    await submit(browser, await browser.ask('/account/authenticator'), 'remove-authenticator', { remove: '1' })
    expect(await findFactors(server.core, user.userId)).toBeUndefined()
    await signedInBrowser(server, user.username)
  })
})

test('a session from before the second factor changes nothing of the account, in the browser or over REST', async () => {
  await server.makeUser('early')
  const early = await signedInBrowser(server, 'early')
  const extra = { scope: 'openid me' }
  const { tokens } = await codeFlow(server, desk, 'early', { browser: early, extra })
  const app = await enrol(server, await signedInBrowser(server, 'early'))
  for (const section of ['profile', 'password', 'sessions', 'recovery-codes', 'delete'])
    expect((await early.ask(`/account/${section}`)).location).toBe(`/second-factor?next=/account/${section}`)
  for (const [method, path, body] of [
    ['DELETE', '/api/v1/me', undefined],
    ['POST', '/api/v1/me/password', { current_password: password, new_password: 'seven herons cross a lock' }],
  ] as const) {
    const answer = await createBrowser(server.url).ask(path, {
      method,
      headers: { authorization: `Bearer ${tokens.access_token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('acr_values="mfa"'),
    ])
  }
  // It shows the code alone, and is as strong as the other from then on.
  server.clock.advance(30)
  const page = await early.ask('/second-factor?next=/account/profile')
  expect((await sendCode(early, page, app.code())).location).toBe('/account/profile')
  expect((await early.ask('/account/profile')).status).toBe(200)
})

test('a token for a script changes no password of an account that has a second factor', async () => {
  const user = await server.makeUser('scripts')
  const made = await mintToken(server.core, { actor: cli, userId: user.userId }, { format: 'opaque', scope: ['me'] })
  const token = 'done' in made ? made.done.token : ''
  const change = (current: string, wanted: string) =>
    createBrowser(server.url).ask('/api/v1/me/password', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ current_password: current, new_password: wanted }),
    })
  await enrol(server, await signedInBrowser(server, 'scripts'))
  const refused = await change(password, 'seven herons cross a lock')
  expect([refused.status, refused.json()['code']]).toEqual([401, 'recent_sign_in_needed'])
  await resetFactors(server.core, { actor: cli, userId: user.userId })
  expect((await sendPassword(createBrowser(server.url), 'scripts')).location).toBe('/account')
})

test('L1: nor by the administrator’s entrance, where its account is one; of others it may', async () => {
  const user = await server.makeUser('operator', { role: 'admin' })
  const other = await server.makeUser('operated')
  const wanted = { format: 'opaque', scope: ['openid', 'admin'] } as const
  const made = await mintToken(server.core, { actor: { kind: 'cli' }, userId: user.userId }, wanted)
  const token = 'done' in made ? made.done.token : ''
  const patch = async (userId: string, body: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const asked = { method: 'PATCH', headers, body: JSON.stringify(body) }
    return (await createBrowser(server.url).ask(`/api/v1/users/${userId}`, asked)).status
  }
  await enrol(server, await signedInBrowser(server, 'operator'))
  expect(await patch(user.userId, { email: 'thief@other.example' })).toBe(401)
  expect(await patch(user.userId, { password: 'seven herons cross a lock' })).toBe(401)
  expect(await patch(other.userId, { full_name: 'Somebody' })).toBe(200)
  expect((await sendPassword(createBrowser(server.url), 'operator')).location).toContain('/second-factor')
})
