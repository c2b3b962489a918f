import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFactors } from '../../src/accounts/find-factors.ts'
import { decodeBase32 } from '../../src/crypto/base32.ts'
import { totp } from '../../src/crypto/one-time-code.ts'
import type { User } from '../../src/domain/user.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { createDevice, creationOf, requestOf, type Twist } from '../kit/passkey-device.ts'
import { sendCode, sendPassword, signedInBrowser } from '../kit/second-factor.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'

let server: TestGatehouse
let desk: MadeClient

beforeAll(async () => {
  server = await startGatehouse({
    passwords: plainPasswords,
  })
  desk = await server.makeClient({ scope: 'openid me', grant_types: ['authorization_code', 'refresh_token'] })
})
afterAll(() => server.close())

type App = {
  readonly browser: Browser
  readonly call: (method: string, path: string, body?: unknown) => ReturnType<Browser['ask']>
}
let count = 0

/** An application that somebody signed in to. */
async function appOf(user: User): Promise<App> {
  const browser = await signedInBrowser(server, user.username)
  const { tokens } = await codeFlow(server, desk, user.username, { browser, extra: { scope: 'openid me' } })
  const headers = { authorization: `Bearer ${tokens.access_token}`, 'content-type': 'application/json' }
  return {
    browser,
    call: (method, path, body) =>
      createBrowser(server.url).ask(`/api/v1/me${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  }
}
async function somebody() {
  const user = await server.makeUser(`rest${(count += 1)}`)
  return { user, ...(await appOf(user)) }
}
const factorsOf = ({ userId }: User) => findFactors(server.core, userId)

/** What `begin` gave, and the code that its app shows so many seconds from now. */
async function begin({ call }: App) {
  const begun = await call('POST', '/authenticator/enrolment')
  expect(begun.status, begun.text).toBe(200)
  const { secret, otpauth_uri: uri, enrolment } = begun.json() as Record<string, string>
  const bytes = decodeBase32(secret ?? '') ?? new Uint8Array()
  return { secret, uri, enrolment, code: (ahead = 0) => totp({ secret: bytes, now: server.clock.seconds() + ahead }) }
}
type Creation = Parameters<ReturnType<typeof createDevice>['create']>[0]
const challenge = async ({ call }: App) => (await call('POST', '/passkey-challenge')).json() as Creation
const credential = (creation: Creation, twist: Twist = {}, device = createDevice(server.url)): unknown =>
  JSON.parse(device.create(creation, twist))

describe('RFC 6238: an authenticator app', () => {
  test('is begun and finished by its first code, which signs nobody in again', async () => {
    const { user, browser, ...rest } = await somebody()
    const app = await begin({ browser, ...rest })
    expect(app.uri).toContain(`:${user.username}?secret=${app.secret}&issuer=Gatehouse`)
    // Nothing is stored by beginning.
    expect(await factorsOf(user)).toBeUndefined()
    const added = await rest.call('POST', '/authenticator', { enrolment: app.enrolment, code: app.code() })
    expect(added.status, added.text).toBe(200)
    expect(added.json()['recovery_codes']).toHaveLength(10)
    const asked = await sendPassword(createBrowser(server.url), user.username)
    expect(asked.location).toContain('/second-factor')
    const other = createBrowser(server.url)
    const page = await other.ask((await sendPassword(other, user.username)).location ?? '')
    expect((await sendCode(other, page, app.code())).status).toBe(403)
    expect((await sendCode(other, page, app.code(30))).location).toBe('/account')
    // The sign-in behind the token showed the password alone.
    const again = await rest.call('DELETE', '/authenticator')
    expect([again.status, again.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('acr_values="mfa"'),
    ])
    expect((await rest.call('POST', '/authenticator/enrolment')).status).toBe(401)
    expect((await factorsOf(user))?.authenticator).toBeDefined()
  })

  test('a wrong code, one begun elsewhere, and a text that we didn’t make are 400 and store nothing', async () => {
    const [ada, eve] = [await somebody(), await somebody()]
    const own = await begin(ada)
    const wrong = await ada.call('POST', '/authenticator', { enrolment: own.enrolment, code: '000000' })
    expect([wrong.status, wrong.json()['field']]).toEqual([400, 'code'])
    // H18: of a secret that somebody else knows.
    const planted = await begin(eve)
    for (const enrolment of [planted.enrolment, 'k.AAAA', `${own.enrolment}A`]) {
      const answer = await ada.call('POST', '/authenticator', { enrolment, code: planted.code() })
      expect([answer.status, answer.json()['field']]).toEqual([400, 'enrolment'])
    }
    // Nor in another sign-in of the same person, of an application that somebody else holds.
    const elsewhere = await appOf(ada.user)
    expect(
      (await elsewhere.call('POST', '/authenticator', { enrolment: own.enrolment, code: own.code() })).status,
    ).toBe(400)
    expect(await factorsOf(ada.user)).toBeUndefined()
    expect((await ada.call('POST', '/authenticator', { enrolment: own.enrolment, code: own.code() })).status).toBe(200)
  })

  test('H16: of two that finish at once one is stored', async () => {
    const ada = await somebody()
    const begun = [await begin(ada), await begin(ada)]
    const answers = await Promise.all(
      begun.map(({ enrolment, code }) => ada.call('POST', '/authenticator', { enrolment, code: code() })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})

describe('WebAuthn L3 §7.1: a passkey', () => {
  test('is asked for, made by a device, and signs in from then on', async () => {
    const { user, ...app } = await somebody()
    const creation = await challenge(app)
    expect(creation).toMatchObject({
      rp: { id: new URL(server.url).hostname },
      authenticatorSelection: { userVerification: 'required', residentKey: 'required' },
      excludeCredentials: [],
      attestation: 'none',
    })
    const device = createDevice(server.url)
    const body = { credential: credential(creation, {}, device), name: 'My phone' }
    const added = await app.call('POST', '/passkeys', body)
    expect(added.status, added.text).toBe(200)
    expect(added.json()).toEqual({ passkey_id: device.id, recovery_codes: expect.any(Array) })
    expect((await factorsOf(user))?.passkeys).toMatchObject([{ id: device.id, name: 'My phone' }])
    // H21: the challenge is used up; the session of the browser is not the token's.
    expect((await app.call('POST', '/passkeys', body)).status).toBe(401)
    const visitor = createBrowser(server.url)
    const page = await visitor.ask('/signin')
    const answer = await submit(visitor, page, 'passkey', { credential: device.get(requestOf(page)) })
    expect(answer.location).toBe('/account')
  })

  test.each<[string, Twist]>([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of another relying party', { rpId: 'evil.example' }],
    ['to a challenge that nobody made', { challenge: 'AAAA' }],
    ['of a person whom the device didn’t verify', { verified: false }],
  ])('an answer %s is 400', async (_, twist) => {
    const { user, ...app } = await somebody()
    const answer = await app.call('POST', '/passkeys', {
      credential: credential(await challenge(app), twist),
      name: 'x',
    })
    expect([answer.status, answer.json()['field']]).toEqual([400, 'credential'])
    expect(await factorsOf(user)).toBeUndefined()
  })

  test('H22: nor to a challenge of somebody else’s, or of a page', async () => {
    const [ada, eve] = [await somebody(), await somebody()]
    const refused = async (creation: Creation) =>
      (await ada.call('POST', '/passkeys', { credential: credential(creation), name: 'x' })).status
    expect(await refused(await challenge(eve))).toBe(400)
    expect(await refused(creationOf(await ada.browser.ask('/account/passkeys')))).toBe(400)
    expect(await factorsOf(ada.user)).toBeUndefined()
    expect(await refused(await challenge(ada))).toBe(200)
  })

  test('one that is there already isn’t added twice', async () => {
    const ada = await somebody()
    const [first, second] = [await challenge(ada), await challenge(ada)]
    const device = createDevice(server.url)
    const send = (creation: Creation) =>
      ada.call('POST', '/passkeys', { credential: credential(creation, {}, device), name: 'Phone' })
    const answers = await Promise.all([send(first), send(second)])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await factorsOf(ada.user))?.passkeys).toHaveLength(1)
  })
})

test('each change is a letter: after twenty at once 429, with the time to wait, for this account alone', async () => {
  const [ada, bob] = [await somebody(), await somebody()]
  for (let change = 0; change < 20; change += 1)
    server.core.limits.count('credential-change', [ada.user.userId, '127.0.0.1'])
  const attempts = async (app: App) => {
    const { enrolment, code } = await begin(app)
    return app.call('POST', '/authenticator', { enrolment, code: code() })
  }
  for (const answer of [
    await attempts(ada),
    await ada.call('POST', '/passkeys', { credential: credential(await challenge(ada)), name: 'Phone' }),
    await ada.call('PATCH', '/passkeys/absent', { name: 'Phone' }),
    await ada.call('DELETE', '/passkeys/absent'),
    await ada.call('DELETE', '/authenticator'),
    await ada.call('POST', '/recovery-codes'),
  ]) {
    expect([answer.status, answer.json()['code']]).toEqual([429, 'rate_limited'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect(await factorsOf(ada.user)).toBeUndefined()
  expect((await attempts(bob)).status).toBe(200)
})
