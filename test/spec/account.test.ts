import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { kinds } from '../../src/domain/fence.ts'
import { create, put, ref } from '../../src/domain/record.ts'
import type { Session } from '../../src/domain/session.ts'
import type { User } from '../../src/domain/user.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { createBrowser, readForm, type Browser } from '../kit/browser.ts'
import { codeFlow, submit, tokenRequest, type Tokens } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let client: MadeClient
beforeAll(async () => {
  server = await startGatehouse()
  client = await server.makeClient()
})
afterAll(() => server.close())

async function signIn(username: string, own = password): Promise<Browser> {
  const browser = createBrowser(server.url, { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0' })
  const { fields } = readForm((await browser.ask('/signin')).text, 'sign-in')
  const answer = await browser.ask('/signin', { form: { ...fields, username, password: own } })
  expect(answer.location).toBe('/account')
  return browser
}

/** Fills a section's form and sends all of it. */
async function fill(browser: Browser, path: string, id: string, typed: Record<string, string>) {
  const page = await browser.ask(path)
  expect(page.status, page.location).toBe(200)
  const { action, fields } = readForm(page.text, id)
  return browser.ask(action, { form: { ...fields, ...typed } })
}

/** What else an account may have, as it would be stored. */
async function haveEverything({ userId }: User): Promise<void> {
  const { core } = server
  const now = core.clock.seconds()
  const passkey = { id: 'key', publicKey: 'public-key', counter: 0, synced: false, name: 'My phone', createdAt: now }
  const authenticator = { sealed: 'sealed-secret', lastStep: 0, createdAt: now }
  const factors = { v: 1, authenticator, passkeys: [passkey], recoveryHashes: ['recovery-hash'] } as const
  const connection = {
    v: 1,
    provider: 'etsy',
    owner: { kind: 'user', userId },
    clientId: 'app',
    state: 'active',
    account: '12345678',
    scope: ['shops_r'],
    sealed: 'sealed-secret',
    keyId: 'key',
    edition: 1,
    refreshable: true,
    issuedAt: now,
    createdAt: now,
    updatedAt: now,
    lastUsedAt: now,
  } as const
  // Set up by somebody who signed in with a second factor afterwards: this session has shown it.
  const { records } = await core.transition.store.list('session', userId, { limit: 10 })
  for (const { id } of records)
    await transition(core.transition, { session: ref('session', id) }, ({ session }) => ({
      writes: [put(session, { ...(session.value as Session), acr: 'mfa' }, { expiresAt: null })],
      result: undefined,
    }))
  await commitNew(core.transition, [
    create(ref('factors', userId), factors, { expiresAt: null, owners: [userId] }),
    create(ref('connection', `of ${userId}`), connection, { expiresAt: null, owners: [userId, 'provider:etsy'] }),
  ])
  const cli = { kind: 'cli' } as const
  const identity = { provider: 'hub', issuer: 'https://hub.example', subject: 'gus at hub', label: 'gus' }
  await linkIdentity(core, { actor: cli, userId, identity })
  await mintToken(core, { actor: cli, userId }, { format: 'opaque', name: 'nightly backup' })
}

const isIn = async (browser: Browser) => (await browser.ask('/account')).status === 200
const refreshOf = ({ refresh_token }: Tokens) => ({ grant_type: 'refresh_token', refresh_token })
const next = 'seven herons cross a frozen lock'

describe('an account is its person’s to keep', () => {
  test('names change, and the new one signs in', async () => {
    await server.makeUser('ada')
    const browser = await signIn('ada')
    const changed = await fill(browser, '/account/profile', 'profile', { username: 'Countess', full_name: 'Ada King' })
    expect(changed.location).toBe('/account/profile?done')
    const page = (await browser.ask('/account/profile?done')).text
    expect(page).toContain('id="done"')
    expect(readForm(page, 'profile').fields).toMatchObject({ username: 'Countess', full_name: 'Ada King' })
    await signIn('countess')
    await server.makeUser('taken')
    const refused = await fill(browser, '/account/profile', 'profile', { username: 'TAKEN' })
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('That username is taken.')
  })

  test('a password change takes the current one, ends everything else and leaves this session (auth_epoch)', async () => {
    await server.makeUser('bo')
    const [browser, other] = [await signIn('bo'), await signIn('bo')]
    const { tokens } = await codeFlow(server, client, 'bo')
    server.clock.advance(301)
    const wrong = { current_password: 'not this one', new_password: next, repeat_password: next }
    expect((await fill(browser, '/account/password', 'password-change', wrong)).status).toBe(403)
    const differs = { current_password: password, new_password: next, repeat_password: `${next}s` }
    expect((await fill(browser, '/account/password', 'password-change', differs)).status).toBe(400)
    expect(await isIn(other)).toBe(true)

    const right = { current_password: password, new_password: next, repeat_password: next }
    const changed = await fill(browser, '/account/password', 'password-change', right)
    expect(changed.location).toBe('/account/password?done')
    expect(await isIn(browser)).toBe(true)
    expect(await isIn(other)).toBe(false)
    const refreshed = await tokenRequest(server, client, refreshOf(tokens))
    expect(refreshed.status).toBe(400)
    await signIn('bo', next)
  })

  test('G03: and its cookie is another one, so whoever copied that of before is out too', async () => {
    await server.makeUser('boris')
    const [browser, thief] = [await signIn('boris'), createBrowser(server.url)]
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value)
    expect(await isIn(thief)).toBe(true)
    const typed = { current_password: password, new_password: next, repeat_password: next }
    const changed = await fill(browser, '/account/password', 'password-change', {
      ...typed,
      current_password: 'not this one',
    })
    expect([changed.status, await isIn(thief)]).toEqual([403, true])
    await fill(browser, '/account/password', 'password-change', typed)
    expect([await isIn(browser), await isIn(thief)]).toEqual([true, false])
  })

  test('a sign-in of the last five minutes does in its place, and ends everything else as well (decision 0022)', async () => {
    await server.makeUser('bea')
    const [browser, other] = [await signIn('bea'), await signIn('bea')]
    expect((await browser.ask('/account/password')).text).not.toContain('id="current_password"')
    const typed = { new_password: next, repeat_password: next }
    const changed = await fill(browser, '/account/password', 'password-change', typed)
    expect(changed.location).toBe('/account/password?done')
    expect([await isIn(browser), await isIn(other)]).toEqual([true, false])
    await signIn('bea', next)
  })

  test('one that has grown old while the page was open asks for the password, or to sign in again', async () => {
    await server.makeUser('bert')
    const browser = await signIn('bert')
    const page = await browser.ask('/account/password')
    server.clock.advance(301)
    const typed = { new_password: next, repeat_password: next }
    const late = await submit(browser, page, 'password-change', typed)
    expect([late.status, late.text.includes('id="current_password"')]).toEqual([403, true])
    const again = /<a id="sign-in-again" href="([^"]+)"/.exec(late.text)?.[1] ?? ''
    const back = await submit(browser, await browser.ask(again), 'sign-in', { username: 'bert', password })
    expect(back.location).toBe('/account/password')
    const changed = await fill(browser, back.location ?? '', 'password-change', typed)
    expect(changed.location).toBe('/account/password?done')
  })

  test('a weak password is refused in words', async () => {
    await server.makeUser('weak')
    const browser = await signIn('weak')
    const typed = { current_password: password, new_password: 'password12', repeat_password: 'password12' }
    const refused = await fill(browser, '/account/password', 'password-change', typed)
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('aria-invalid="true"')
  })

  test('browsers are listed with their names and end one by one, or all others at once', async () => {
    await server.makeUser('cleo')
    const [here, second, third] = [await signIn('cleo'), await signIn('cleo'), await signIn('cleo')]
    const page = (await here.ask('/account/sessions')).text
    const ids = [...page.matchAll(/data-session="([^"]+)"/g)].map(([, id]) => id ?? '')
    expect(ids).toHaveLength(3)
    expect(page).toContain('Firefox on Linux')
    expect(page.match(/this browser/g)).toHaveLength(1)
    const secondsOwn = /data-session="([^"]+)"(?:(?!<\/li>)[\s\S])*this browser/.exec(
      (await second.ask('/account/sessions')).text,
    )?.[1]
    await fill(here, '/account/sessions', 'sessions', { session_id: secondsOwn ?? '' })
    expect([await isIn(here), await isIn(second), await isIn(third)]).toEqual([true, false, true])
    await fill(here, '/account/sessions', 'sessions', { others: '1' })
    expect([await isIn(here), await isIn(third)]).toEqual([true, false])
  })

  test('M04: nobody ends another’s session or grant by its id', async () => {
    await server.makeUser('dora')
    await server.makeUser('eve')
    const dora = await signIn('dora')
    const own = /data-session="([^"]+)"/.exec((await dora.ask('/account/sessions')).text)?.[1] ?? ''
    await fill(await signIn('eve'), '/account/sessions', 'sessions', { session_id: own })
    expect(await isIn(dora)).toBe(true)
  })

  test('refresh tokens show their device and end one by one; consents are withdrawn', async () => {
    await server.makeUser('finn')
    const browser = await signIn('finn')
    const { tokens } = await codeFlow(server, client, 'finn', { browser, deviceName: 'Kitchen radio' })
    const page = (await browser.ask('/account/access')).text
    expect(page).toContain('Kitchen radio')
    const grantId = /data-grant="([^"]+)"/.exec(page)?.[1] ?? ''
    await fill(browser, '/account/access', 'access', { grant_id: grantId })
    expect((await tokenRequest(server, client, refreshOf(tokens))).status).toBe(400)
    expect((await browser.ask('/account/access')).text).toContain('data-client="app"')
    await fill(browser, '/account/access', 'access', { client_id: 'app' })
    expect((await browser.ask('/account/access')).text).not.toContain('data-client="app"')
  })

  test('export holds what there is, and no secret', async () => {
    const user = await server.makeUser('gus')
    const browser = await signIn('gus')
    await codeFlow(server, client, 'gus', { browser })
    await haveEverything(user)
    const file = await fill(browser, '/account/export', 'export', {})
    expect(file.headers.get('content-disposition')).toContain('attachment')
    expect(file.json()).toMatchObject({
      account: { username: 'gus', language: null },
      factors: { authenticator: {}, passkeys: [{ name: 'My phone' }], recovery_codes_left: 1 },
      sessions: [{ device: 'Firefox on Linux' }],
      consents: [{ client_id: 'app' }],
      grants: [{ client_id: 'app' }, { client_id: 'minted-tokens' }],
      tokens: [{ name: 'nightly backup', scope: 'openid me' }],
      identities: [{ provider: 'hub', subject: 'gus at hub', label: 'gus' }],
      connections: [{ provider: 'etsy', account: '12345678', scope: 'shops_r' }],
      events: { next: null },
    })
    const { items } = file.json()['events'] as { readonly items: readonly { readonly type: string }[] }
    expect(items.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['signin.succeeded', 'consent.given', 'code.redeemed', 'token.issued']),
    )
    expect(file.text).not.toMatch(/argon2|nonce|gth_|sealed|recovery-hash|public-key/)
  })

  test('deletion leaves nothing that names the account but what the audit says, and gives connections back', async () => {
    const user = await server.makeUser('ida')
    const { browser } = await codeFlow(server, client, 'ida')
    await haveEverything(user)
    await fill(browser, '/account/delete', 'delete-account', { username: 'ida' })
    const left: string[] = []
    for (const kind of kinds) {
      for await (const record of server.core.admin.scan(kind))
        if (JSON.stringify([record.id, record.value]).includes(user.userId)) left.push(kind)
    }
    // Every node must forget it yet, and the provider hear of it.
    expect(new Set(left)).toEqual(new Set(['event', 'change', 'revocation']))
    const errands = []
    for await (const { value } of server.core.admin.scan('revocation')) errands.push(value)
    expect(errands).toMatchObject([{ provider: 'etsy', wrapped: true }])
  })

  test('deletion wants the name, and then the account is gone', async () => {
    await server.makeUser('hal')
    const browser = await signIn('hal')
    expect((await fill(browser, '/account/delete', 'delete-account', { username: 'hall' })).status).toBe(400)
    expect(await isIn(browser)).toBe(true)
    expect((await fill(browser, '/account/delete', 'delete-account', { username: 'HAL' })).location).toBe('/')
    expect(await isIn(browser)).toBe(false)
  })
})

describe('the gates of every section', () => {
  test.each(['profile', 'export', 'delete'])('%s needs a recent sign-in, and comes back after it', async (id) => {
    await server.makeUser(`late-${id}`)
    const browser = await signIn(`late-${id}`)
    server.clock.advance(301)
    const sent = await browser.ask(`/account/${id}`)
    expect(sent.location).toBe(`/signin?next=/account/${id}`)
    const { fields } = readForm((await browser.ask(sent.location ?? '')).text, 'sign-in')
    const back = await browser.ask('/signin', { form: { ...fields, username: `late-${id}`, password } })
    expect(back.location).toBe(`/account/${id}`)
    expect((await browser.ask(back.location ?? '')).status).toBe(200)
  })

  test('a form from elsewhere or for another section does nothing (G04)', async () => {
    await server.makeUser('ivy')
    const browser = await signIn('ivy')
    const { fields } = readForm((await browser.ask('/account/sessions')).text, 'sessions')
    const stolen = await browser.ask('/account/delete', { form: { ...fields, username: 'ivy' } })
    expect(stolen.status).toBe(403)
    const cross = await browser.ask('/account/sessions', {
      form: { ...fields, others: '1' },
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    expect(cross.status).toBe(403)
    expect(await isIn(browser)).toBe(true)
  })

  test.each(['//evil.example', 'https://evil.example', '/oauth/authorize', '/account/../x'])(
    'sign-in goes on to one’s own account alone, not to %s',
    async (to) => {
      const browser = createBrowser(server.url)
      const page = await browser.ask(`/signin?next=${encodeURIComponent(to)}`)
      expect(readForm(page.text, 'sign-in').fields).not.toHaveProperty('next')
    },
  )
})
