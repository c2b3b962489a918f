import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFactors } from '../../src/accounts/find-factors.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { resetFactors } from '../../src/accounts/reset-factors.ts'
import { becomeBot } from '../kit/become-bot.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { claimsOf, codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { createDevice, creationOf, requestOf, type Twist } from '../kit/passkey-device.ts'
import { recoveryCodesOf, sendCode, sendPassword, signedInBrowser } from '../kit/second-factor.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'

let server: TestGatehouse
let client: MadeClient
const cli = { kind: 'cli' } as const

beforeAll(async () => {
  server = await startGatehouse({
    passwords: plainPasswords,
  })
  client = await server.makeClient()
})
afterAll(() => server.close())

let count = 0
/** Somebody with a passkey, in the browser in which he made it. */
async function somebody() {
  const user = await server.makeUser(`person${(count += 1)}`)
  const browser = await signedInBrowser(server, user.username)
  const device = createDevice(server.url)
  const page = await browser.ask('/account/passkeys')
  const credential = device.create(creationOf(page))
  const answer = await submit(browser, page, 'add-passkey', { credential, name: 'My phone' })
  expect(answer.status, answer.text).toBe(200)
  return { user, browser, device, recoveryCodes: recoveryCodesOf(answer.text) }
}
type Device = ReturnType<typeof createDevice>

/** Sign in by the passkey alone, in a browser that nobody knows. */
async function signIn(device: Device, twist: Twist = {}, browser = createBrowser(server.url)) {
  const page = await browser.ask('/signin')
  const answer = await submit(browser, page, 'passkey', { credential: device.get(requestOf(page), twist) })
  return { browser, page, answer }
}
/** A page without what is fresh in every one, and without what was typed. */
const withoutNonces = (page: string, typed: string) =>
  page.replaceAll(typed, 'typed').replaceAll(/(?<=challenge&quot;:&quot;)[\w-]+|\b[0-9a-f]{12}\.[\w-]{43}/g, 'fresh')
const isIn = async (browser: Browser) => (await browser.ask('/account')).status === 200

describe('adding a passkey', () => {
  test('shows recovery codes with the first, and keeps what is public alone', async () => {
    const { user, browser, device, recoveryCodes } = await somebody()
    expect(recoveryCodes).toHaveLength(10)
    const [stored] = (await findFactors(server.core, user.userId))?.passkeys ?? []
    expect(stored).toMatchObject({ id: device.id, name: 'My phone', synced: false, counter: 0 })
    const page = await browser.ask('/account/passkeys')
    expect(page.text).toContain('My phone')
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
    // A second one makes no new codes.
    const other = createDevice(server.url)
    const added = await submit(browser, page, 'add-passkey', {
      credential: other.create(creationOf(page)),
      name: 'Key',
    })
    expect(added.location).toBe('/account/passkeys?done')
    expect((await findFactors(server.core, user.userId))?.passkeys).toHaveLength(2)
  })

  test.each<[string, Twist]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['a challenge that nobody made', { challenge: 'AAAA' }],
    ['a person whom the device didn’t verify', { verified: false }],
  ])('refuses %s', async (_, twist) => {
    const user = await server.makeUser(`refused${(count += 1)}`)
    const browser = await signedInBrowser(server, user.username)
    const page = await browser.ask('/account/passkeys')
    const credential = createDevice(server.url).create(creationOf(page), twist)
    expect((await submit(browser, page, 'add-passkey', { credential, name: 'x' })).status).toBe(400)
    expect(await findFactors(server.core, user.userId)).toBeUndefined()
  })

  test('H22: an answer to somebody else’s challenge adds nothing to either', async () => {
    const [one, other] = [await server.makeUser('one'), await server.makeUser('other')]
    const [ones, others] = [await signedInBrowser(server, 'one'), await signedInBrowser(server, 'other')]
    const [pageOfOne, pageOfOther] = [await ones.ask('/account/passkeys'), await others.ask('/account/passkeys')]
    const credential = createDevice(server.url).create(creationOf(pageOfOther))
    expect((await submit(ones, pageOfOne, 'add-passkey', { credential, name: 'x' })).status).toBe(400)
    for (const { userId } of [one, other]) expect(await findFactors(server.core, userId)).toBeUndefined()
  })

  test('a challenge is answered once', async () => {
    const { browser, user } = await somebody()
    const page = await browser.ask('/account/passkeys')
    const [first, second] = [createDevice(server.url), createDevice(server.url)]
    const send = (device: Device) =>
      submit(browser, page, 'add-passkey', { credential: device.create(creationOf(page)), name: 'x' })
    expect((await send(first)).location).toBe('/account/passkeys?done')
    expect((await send(second)).status).toBe(400)
    expect((await findFactors(server.core, user.userId))?.passkeys).toHaveLength(2)
  })
})

describe('a forgotten password', () => {
  const fresh = 'seven herons cross a lock'

  test('is chosen anew on the page by a passkey of just now, and everything else of the account ends (decision 0022)', async () => {
    const { user, browser: other, device } = await somebody()
    const { browser } = await signIn(device)
    const typed = { new_password: fresh, repeat_password: fresh }
    const changed = await submit(browser, await browser.ask('/account/password'), 'password-change', typed)
    expect(changed.location).toBe('/account/password?done')
    expect([await isIn(browser), await isIn(other)]).toEqual([true, false])
    expect((await sendPassword(createBrowser(server.url), user.username, fresh)).location).toContain('/second-factor')
  })

  test('is chosen anew over REST by a token of such a sign-in, while its session lasts', async () => {
    const app = await server.makeClient({ client_id: 'own', scope: 'openid me offline_access' })
    const { user, device } = await somebody()
    const tokenOf = async (browser: Browser) => {
      const extra = { scope: 'openid me offline_access' }
      return (await codeFlow(server, app, user.username, { browser, extra })).tokens.access_token
    }
    const choose = async (token: string) =>
      (
        await createBrowser(server.url).ask('/api/v1/me/password', {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ new_password: fresh }),
        })
      ).status
    const { browser: left } = await signIn(device)
    const outlived = await tokenOf(left)
    await submit(left, await left.ask('/oauth/logout'), 'sign-out', {})
    expect([await isIn(left), await choose(outlived)]).toEqual([false, 400])
    const { browser } = await signIn(device)
    expect([await choose(await tokenOf(browser)), await isIn(browser)]).toEqual([204, true])
  })
})

describe('signing in by it alone', () => {
  test('H02: a wrong password for whoever has a passkey is answered as an unknown name, byte for byte', async () => {
    const { user } = await somebody()
    const unknown = user.username.replace('person', 'nobody')
    const answers = []
    for (const username of [user.username, unknown]) {
      const browser = createBrowser(server.url)
      const { status, text, location } = await sendPassword(browser, username, 'not the password')
      answers.push({ status, location, text: withoutNonces(text, username), cookies: [...browser.cookies.keys()] })
    }
    expect(answers[0]?.status).toBe(403)
    expect(answers[0]?.text).toContain('passkey')
    expect(answers[1]).toEqual(answers[0])
  })

  test('no name is typed, and it counts as both factors', async () => {
    const { device, user } = await somebody()
    const { browser, page, answer } = await signIn(device)
    // H02: what the page asks for is the same for everybody.
    expect(requestOf(page)).toMatchObject({ rpId: 'localhost', allow: [] })
    expect(answer.location).toBe('/account')
    expect(await isIn(browser)).toBe(true)
    const { tokens } = await codeFlow(server, client, user.username, { browser, extra: { acr_values: 'mfa' } })
    expect(claimsOf(tokens.id_token)).toMatchObject({ sub: user.userId, acr: 'mfa', amr: ['hwk', 'user', 'mfa'] })
    expect((await findFactors(server.core, user.userId))?.passkeys).toMatchObject([{ counter: 1 }])
  })

  test('H21: an answer works once, of ten at once and afterwards, and in its own browser alone', async () => {
    const { device } = await somebody()
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    const credential = device.get(requestOf(page))
    const stranger = createBrowser(server.url)
    const elsewhere = await stranger.ask('/signin')
    expect((await submit(stranger, elsewhere, 'passkey', { credential })).status).toBe(400)
    const copies = Array.from({ length: 10 }, () => {
      const copy = createBrowser(server.url)
      for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
      return copy
    })
    const answers = await Promise.all(copies.map((copy) => submit(copy, page, 'passkey', { credential })))
    expect(answers.filter(({ location }) => location === '/account')).toHaveLength(1)
    expect((await submit(browser, page, 'passkey', { credential })).status).toBe(400)
  })

  test('H21: of two copies of a key that count alike one gets in, at the same time too', async () => {
    const { device } = await somebody()
    const browsers = [createBrowser(server.url), createBrowser(server.url)]
    const pages = await Promise.all(browsers.map((browser) => browser.ask('/signin')))
    const credentials = pages.map((page) => device.get(requestOf(page), { counter: 7 }))
    const answers = await Promise.all(
      browsers.map((browser, index) => submit(browser, pages[index]!, 'passkey', { credential: credentials[index]! })),
    )
    expect(answers.map(({ location }) => location).filter((location) => location === '/account')).toHaveLength(1)
  })

  test('H21: an answer of a device that doesn’t count works once too', async () => {
    const { device } = await somebody()
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    const credential = device.get(requestOf(page), { counter: 0 })
    const copy = createBrowser(server.url)
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
    expect((await submit(browser, page, 'passkey', { credential })).location).toBe('/account')
    expect((await submit(copy, page, 'passkey', { credential })).status).toBe(400)
  })

  test.each<[string, Twist]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['a challenge that nobody made', { challenge: 'AAAA' }],
    ['a person whom the device didn’t verify', { verified: false }],
    ['a counter that stands still (a copy of the key)', { counter: 1 }],
    ['another account', { userHandle: Buffer.from('usr_nobody').toString('base64url') }],
  ])('refuses %s', async (_, twist) => {
    const { device } = await somebody()
    expect((await signIn(device)).answer.location).toBe('/account')
    const { browser, answer } = await signIn(device, twist)
    expect([answer.status, await isIn(browser)]).toEqual([400, false])
  })

  test('the passkey of one account is none of another', async () => {
    const [one, other] = [await somebody(), await somebody()]
    const handle = Buffer.from(other.user.userId).toString('base64url')
    expect((await signIn(one.device, { userHandle: handle })).answer.status).toBe(400)
  })

  test('a locked account is told so, as after its password, and opened to nobody', async () => {
    const { device, user } = await somebody()
    await patchUser(server.core, { actor: cli, userId: user.userId, patch: { locked: true } })
    const { browser, answer } = await signIn(device)
    expect([answer.status, await isIn(browser)]).toEqual([403, false])
    expect(answer.text).toContain('This account is locked.')
    expect(answer.text).toContain('<form id="passkey"')
  })

  test('a bot’s opens nothing', async () => {
    const { device, user } = await somebody()
    await becomeBot(server, user.username)
    const { browser, answer } = await signIn(device)
    expect([answer.status, await isIn(browser)]).toEqual([400, false])
  })

  test('a challenge lives five minutes', async () => {
    const { device } = await somebody()
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    const credential = device.get(requestOf(page))
    server.clock.advance(301)
    expect((await submit(browser, page, 'passkey', { credential })).status).toBe(400)
  })

  test('rubbish is refused, whatever its shape', async () => {
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    for (const credential of [
      '',
      'x',
      '{}',
      '[]',
      'null',
      '{"id":"a","type":"public-key","response":{}}',
      'x'.repeat(20_000),
    ])
      expect((await submit(browser, page, 'passkey', { credential })).status, credential.slice(0, 40)).toBe(400)
  })

  test('once it is given up, or taken off, it opens nothing', async () => {
    const given = await somebody()
    const page = await given.browser.ask('/account/passkeys')
    await submit(given.browser, page, 'passkeys', { remove: given.device.id })
    expect((await signIn(given.device)).answer.status).toBe(400)
    const reset = await somebody()
    await resetFactors(server.core, { actor: cli, userId: reset.user.userId })
    expect((await signIn(reset.device)).answer.status).toBe(400)
    expect(await isIn(reset.browser)).toBe(false)
  })
})

describe('as second factor', () => {
  test('a locked account is told so once its password was right, and not that it has one; before that it is as any other', async () => {
    const [{ user, device }, { user: other }] = [await somebody(), await somebody()]
    const half = createBrowser(server.url)
    const page = await half.ask((await sendPassword(half, user.username)).location ?? '')
    await patchUser(server.core, { actor: cli, userId: user.userId, patch: { locked: true } })

    const browser = createBrowser(server.url)
    const right = await sendPassword(browser, user.username)
    expect([right.status, right.location, right.text.includes('This account is locked.')]).toEqual([
      403,
      undefined,
      true,
    ])
    const [wrong, ordinary] = [
      await sendPassword(createBrowser(server.url), user.username, 'wrong'),
      await sendPassword(createBrowser(server.url), other.username, 'wrong'),
    ]
    expect(wrong.status).toBe(ordinary.status)
    expect(withoutNonces(wrong.text, user.username)).toBe(withoutNonces(ordinary.text, other.username))

    // Who was half way in starts again, and is told then.
    const credential = device.get(requestOf(page))
    const late = await submit(half, page, 'passkey', { credential })
    expect([late.status, late.location, await isIn(half)]).toEqual([400, undefined, false])
    expect((await sendPassword(half, user.username)).text).toContain('This account is locked.')
    // Nothing of that answer was used up or kept for later.
    await patchUser(server.core, { actor: cli, userId: user.userId, patch: { locked: false } })
    expect([(await submit(half, page, 'passkey', { credential })).status, await isIn(half)]).toEqual([400, false])
  })

  test('after the password it is asked for; a recovery code does it without JavaScript', async () => {
    const { user, device, recoveryCodes } = await somebody()
    const browser = createBrowser(server.url)
    const sent = await sendPassword(browser, user.username)
    const page = await browser.ask(sent.location ?? '')
    const options = requestOf(page)
    expect(options).toMatchObject({ allow: [device.id] })
    expect((await submit(browser, page, 'passkey', { credential: device.get(options) })).location).toBe('/account')
    const { tokens } = await codeFlow(server, client, user.username, { browser })
    expect(claimsOf(tokens.id_token)).toMatchObject({ acr: 'mfa', amr: ['pwd', 'hwk', 'user', 'mfa'] })

    const other = createBrowser(server.url)
    const half = await other.ask((await sendPassword(other, user.username)).location ?? '')
    expect((await sendCode(other, half, recoveryCodes[0] ?? '')).location).toBe('/account')
  })

  test('somebody else’s passkey completes nothing, nor does an answer for signing in', async () => {
    const [one, other] = [await somebody(), await somebody()]
    const browser = createBrowser(server.url)
    const page = await browser.ask((await sendPassword(browser, one.user.username)).location ?? '')
    const handle = Buffer.from(one.user.userId).toString('base64url')
    for (const credential of [
      other.device.get(requestOf(page)),
      other.device.get(requestOf(page), { userHandle: handle }),
      one.device.get(requestOf(await browser.ask('/signin'))),
    ])
      expect((await submit(browser, page, 'passkey', { credential })).status).toBe(403)
    expect(await isIn(browser)).toBe(false)
  })
})
