import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { startSite, type Site } from '../emulators/site.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { follow, submit } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { createDevice, creationOf, requestOf } from '../kit/passkey-device.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'
import { enrol, sendCode } from '../kit/second-factor.ts'
import { readProvider } from '../upstream/house.ts'

const [briefly, week] = [3_600, 7 * 86_400]
const { sessionIdle, sessionAbsolute, persistentSessionIdle, persistentSessionAbsolute } = lifetimes

let server: TestGatehouse
let site: Site
beforeAll(async () => {
  site = await startSite()
  const entry = {
    name: 'forum',
    preset: 'site-login',
    title: 'The Forum',
    issuer: 'https://forum.example',
    login_endpoint: `${site.url}/auth/login`,
    session_endpoint: `${site.url}/auth/session`,
    session_lengths: [briefly, week],
    sign_in: 'create',
    allow_insecure: true,
  }
  server = await startGatehouse({
    passwords: plainPasswords,
    config: { mail: { by: 'log' }, providers: [readProvider(entry)] },
  })
  server.clock.stand()
})
afterAll(() => Promise.all([server.close(), site.close()]))

let count = 0
const newName = () => `person${(count += 1)}`

async function signIn(username: string, fields: Readonly<Record<string, string>> = {}) {
  const browser = createBrowser(server.url)
  const answer = await submit(browser, await browser.ask('/signin'), 'sign-in', { username, password, ...fields })
  return { browser, answer }
}

/** What the browser is told about how long it keeps the session; undefined: until it ends. */
function maxAgeOf(answer: Answer): number | undefined {
  const line = answer.headers.getSetCookie().find((one) => one.startsWith('gatehouse-session='))
  if (line === undefined) throw new Error(`no session cookie: ${answer.status} ${answer.location}`)
  const age = /; Max-Age=(\d+)/i.exec(line)?.[1]
  // The other way to say it.
  expect(line).not.toMatch(/expires/i)
  return age === undefined ? undefined : Number(age)
}

/** How many seconds from now the store forgets each session of somebody. */
async function keptFor(userId: string): Promise<readonly number[]> {
  const { records } = await server.core.transition.store.list('session', userId, { limit: 10 })
  return records.map(({ expiresAt }) => (expiresAt ?? Infinity) - server.clock.seconds())
}

const isIn = async (browser: Browser) => (await browser.ask('/account')).status === 200

describe.each([
  ['until the browser ends', {}, { maxAge: undefined, idle: sessionIdle, absolute: sessionAbsolute }],
  [
    'that is remembered',
    { remember: 'on' },
    { maxAge: persistentSessionAbsolute, idle: persistentSessionIdle, absolute: persistentSessionAbsolute },
  ],
])('RFC 6265 §5.3: a sign-in %s', (_, fields, { maxAge, idle, absolute }) => {
  test('says so to the browser; unused, it is over and forgotten after its idle time', async () => {
    const { userId, username } = await server.makeUser(newName())
    const { browser, answer } = await signIn(username, fields)
    expect([maxAgeOf(answer), await keptFor(userId)]).toEqual([maxAge, [idle]])
    server.clock.advance(idle - 1)
    const used = createBrowser(server.url)
    for (const [name, value] of browser.cookies) used.cookies.set(name, value)
    expect(await isIn(used)).toBe(true)
    server.clock.advance(idle)
    expect(await isIn(browser)).toBe(false)
  })

  test('each use keeps it, never beyond its whole time', async () => {
    const { userId, username } = await server.makeUser(newName())
    const { browser } = await signIn(username, fields)
    let left = absolute
    for (; left > idle; left -= idle - 1) {
      expect([await isIn(browser), await keptFor(userId)]).toEqual([true, [Math.min(idle, left)]])
      server.clock.advance(idle - 1)
    }
    expect([await isIn(browser), await keptFor(userId)]).toEqual([true, [left]])
    server.clock.advance(left)
    expect(await isIn(browser)).toBe(false)
  })

  test('the cookie and the record of a session that became stronger end when it would have', async () => {
    const { userId, username } = await server.makeUser(newName())
    const { browser } = await signIn(username, fields)
    server.clock.advance(100)
    const { answer } = await enrol(server, browser)
    expect(maxAgeOf(answer)).toBe(maxAge === undefined ? undefined : maxAge - 100)
    expect(await keptFor(userId)).toEqual([idle - 100])
  })
})

test('a sign-in by a passkey, or by a code in a letter, is remembered where that was asked for, and nowhere else', async () => {
  const email = `${newName()}@mail.example`
  const { username, userId } = await server.makeUser(newName(), { email })
  await setVerified(userId, email)
  const byCode = async (fields: Readonly<Record<string, string>>) => {
    const browser = createBrowser(server.url)
    const before = server.letters.length
    const page = await submit(browser, await browser.ask('/signin/code'), 'mail-code', { account: username })
    await vi.waitFor(() => expect(server.letters).toHaveLength(before + 1), 20_000)
    const [code = ''] = /\b\d{4} \d{4}\b/.exec(server.letters.at(-1)?.text ?? '') ?? []
    return submit(browser, page, 'one-time-code', { code, ...fields })
  }
  const told: unknown[] = []
  // Whoever has a passkey is asked for it after a code: so the codes come first.
  for (const way of [() => byCode, () => passkeyOf(username)]) {
    const signInBy = await way()
    told.push(maxAgeOf(await signInBy({})), maxAgeOf(await signInBy({ remember: 'on' })))
  }
  expect(told).toEqual([undefined, persistentSessionAbsolute, undefined, persistentSessionAbsolute])
})

/** Lets somebody have a passkey; how he signs in by it. */
async function passkeyOf(username: string) {
  const device = createDevice(server.url)
  const { browser } = await signIn(username)
  const page = await browser.ask('/account/passkeys')
  await submit(browser, page, 'add-passkey', { credential: device.create(creationOf(page)), name: 'Phone' })
  return async (fields: Readonly<Record<string, string>>) => {
    const stranger = createBrowser(server.url)
    const asked = await stranger.ask('/signin')
    return submit(stranger, asked, 'passkey', { credential: device.get(requestOf(asked)), ...fields })
  }
}

function setVerified(userId: string, email: string): Promise<void> {
  const refs = { user: ref('user', userId), name: ref('name', `email:${email}`) }
  return transition(server.core.transition, refs, ({ user, name }) => ({
    writes: [
      put(user, { ...user.value!, emailVerified: true }, { expiresAt: null }),
      put(name, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
    ],
    result: undefined,
  }))
}

describe.each([
  ['an hour', briefly, undefined],
  ['a week', week, week],
])('a sign-in through a site, where somebody chose %s', (_, chosen, maxAge) => {
  const come = async (username: string) => {
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin/with/forum')
    const typed = { username, password: 'of the forum', session_length: String(chosen) }
    return { browser, answer: await submit(browser, page, 'sign-in', typed) }
  }

  test('lasts so long: on the first day, on the next ones, and past a second factor', async () => {
    const username = newName()
    site.accounts.set(username, { password: 'of the forum', userId: String(1_000 + count) })
    const first = await come(username)
    const newcomer = await follow(server, first.browser, first.answer)
    const made = await submit(first.browser, newcomer, 'create-account', { username })
    expect(maxAgeOf(made)).toBe(maxAge)
    const { browser, answer } = await come(username)
    expect(maxAgeOf(answer)).toBe(maxAge)
    const app = await enrol(server, browser)
    server.clock.advance(30)
    const half = await come(username)
    const whole = await sendCode(half.browser, await half.browser.ask(half.answer.location ?? ''), app.code())
    expect(maxAgeOf(whole)).toBe(maxAge)
    const { userId = '' } = (await findUserNamed(server.core, username)) ?? {}
    const kept = (await keptFor(userId)).toSorted((one, other) => one - other)
    expect(kept).toEqual([chosen - 30, chosen - 30, chosen])
  })
})
