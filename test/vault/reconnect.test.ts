import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, eventsOf, keptTokens, storedConnection } from './house.ts'

let etsy: Etsy
let server: TestGatehouse
let web: MadeClient
let robot: MadeClient
let ada: { readonly browser: Browser; readonly token: string; readonly userId: string }
let bob: { readonly token: string }

beforeAll(async () => {
  etsy = await startEtsy()
  etsy.expiresIn = 60
  const providers = [etsyProvider(etsy), etsyProvider(etsy, { name: 'other', callback_path: '/other' })]
  server = await startGatehouse({ config: { providers, trustedProxies: ['127.0.0.1'] } })
  web = await server.makeClient({ client_id: 'web', scope: 'openid me vault' })
  robot = await server.makeClient({
    client_id: 'robot',
    scope: 'vault',
    redirect_uris: [],
    grant_types: ['client_credentials'],
  })
  const { userId } = await server.makeUser('ada')
  await server.makeUser('bob')
  const extra = { scope: 'openid me vault' }
  const { browser, tokens } = await codeFlow(server, web, 'ada', { extra })
  ada = { browser, userId, token: `Bearer ${tokens.access_token}` }
  bob = { token: `Bearer ${(await codeFlow(server, web, 'bob', { extra })).tokens.access_token}` }
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})
beforeEach(() => {
  etsy.userId = '123456789'
})

type Start = {
  readonly handle?: string
  readonly connect_url: string
  readonly user_code: string
  readonly connection: string
}
type Form = Readonly<Record<string, string>>

const ask = (path: string, form: Form, headers = {}): Promise<Answer> =>
  createBrowser(server.url).ask(path, { form, headers })
const start = async (form: Form, headers = {}): Promise<Start> => {
  const answer = await ask('/vault/connect', form, headers)
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
  return answer.json() as Start
}
const newBrowser = (headers = {}) => createBrowser(server.url, headers)

/** The whole way of a person, as whom `etsy.userId` says. */
async function go(browser: Browser, started: Start): Promise<Answer> {
  const page = await browser.ask(started.connect_url)
  const isOwn = !page.text.includes('user_code')
  const proof: Form = isOwn ? { decision: 'allow' } : { user_code: started.user_code, confirm_mine: 'yes' }
  const left = await submit(browser, page, 'connect', proof)
  return browser.ask(await consent(left.location ?? ''))
}

/** A connection of nobody's whose refresh token died. */
async function broken(): Promise<Start & { readonly handle: string }> {
  const started = (await start({ provider: 'etsy' })) as Start & { readonly handle: string }
  await go(newBrowser(), started)
  etsy.revokeAll()
  server.clock.advance(100)
  expect((await ask('/vault/token', { handle: started.handle })).json()['error']).toBe('needs_reauth')
  return started
}

describe('a connection that is renewed', () => {
  it('keeps its id, its handle and what was made for it, whoever has them', async () => {
    const first = await broken()
    const again = await start({ handle: first.handle })
    expect([again.connection, again.handle]).toEqual([first.connection, first.handle])
    const page = await newBrowser().ask(again.connect_url)
    expect(page.text).toContain('same account')
    const browser = newBrowser()
    expect((await go(browser, again)).text).toContain('id="connected"')
    expect((await ask('/vault/token', { handle: first.handle })).json()).toMatchObject({ account: '123456789' })
    expect((await keptTokens(server, first.connection)).refresh).toBe(etsy.liveRefreshTokens().at(-1))
    expect(await eventsOf(server, first.connection)).toContain('connection.renewed')
    // L11: once.
    expect((await browser.ask(again.connect_url)).status).toBe(200)
    expect(
      (
        await submit(browser, await browser.ask(again.connect_url), 'connect', {
          user_code: again.user_code,
          confirm_mine: 'yes',
        })
      ).status,
    ).toBe(400)
  })

  it('L19: its row of before does not open again, on a server that has just started either', async () => {
    const started = (await start({ provider: 'etsy' })) as Start & { readonly handle: string }
    await go(newBrowser(), started)
    const old = await storedConnection(server, started.connection)
    expect((await go(newBrowser(), await start({ handle: started.handle }))).text).toContain('id="connected"')
    await transition(server.core.transition, { connection: ref('connection', started.connection) }, (slots) => ({
      writes: [put(slots.connection, old, { expiresAt: null })],
      result: undefined,
    }))
    const node = createVault({ ...server.core, onError: () => undefined })
    const answer = await node.freshToken({ connection: started.connection })
    await node.close()
    expect(answer).toEqual({ outcome: 'needs_reauth', reason: 'unreadable' })
  })

  it('of an account: by its id and a token of the owner, and a capability to it works on', async () => {
    const id = await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId: ada.userId })
    const wanted = { format: 'macaroon', connection: id } as const
    const made = await mintToken(server.core, { actor: { kind: 'cli' }, userId: ada.userId }, wanted)
    if ('refused' in made) throw new Error(made.refused.detail)
    etsy.revokeAll()
    const again = await start({ connection: id }, { authorization: ada.token })
    expect(again).toMatchObject({ connection: id })
    expect(again).not.toHaveProperty('handle')
    expect((await go(ada.browser, again)).text).toContain('id="connected"')
    const called = await newBrowser().ask(`/vault/proxy/${id}/v3/application/users/me`, {
      headers: { authorization: `Bearer ${made.done.token}` },
    })
    expect([called.status, called.json()]).toMatchObject([200, { user_id: 123456789 }])
  })

  it('L19: where its row of before was put back: what comes is later than all that there was', async () => {
    const started = (await start({ provider: 'etsy' })) as Start & { readonly handle: string }
    await go(newBrowser(), started)
    const old = await storedConnection(server, started.connection)
    for (const rejected of [1, 2]) await server.core.vault.freshToken({ connection: started.connection, rejected })
    await transition(server.core.transition, { slot: ref('connection', started.connection) }, ({ slot }) => ({
      writes: [put(slot, old, { expiresAt: null })],
      result: undefined,
    }))
    await go(newBrowser(), await start({ handle: started.handle }))
    expect((await storedConnection(server, started.connection)).edition).toBe(4)
    expect((await ask('/vault/token', { handle: started.handle })).status).toBe(200)
  })

  it('while the provider is asked for a refresh: what the person brought stays', async () => {
    const started = (await start({ provider: 'etsy' })) as Start & { readonly handle: string }
    await go(newBrowser(), started)
    const again = await start({ handle: started.handle })
    const { edition } = await storedConnection(server, started.connection)
    etsy.faults.push('slow')
    const refreshing = server.core.vault.freshToken({ connection: started.connection, rejected: edition })
    await expect.poll(async () => (await storedConnection(server, started.connection)).intent).toBeDefined()
    await go(newBrowser(), again)
    await refreshing
    expect(etsy.isNewest((await keptTokens(server, started.connection)).refresh ?? '')).toBe(true)
    expect((await ask('/vault/token', { handle: started.handle })).status).toBe(200)
  })

  it('from another network: needs the code of the last page, as a new one does', async () => {
    const first = await broken()
    const again = await start({ handle: first.handle })
    const page = await go(newBrowser({ 'x-forwarded-for': '203.0.113.9' }), again)
    const code = /id="confirmation_code">([^<]+)</.exec(page.text)?.[1] ?? ''
    expect((await ask('/vault/token', { handle: first.handle })).json()['error']).toBe('authorization_pending')
    expect((await ask('/vault/token', { handle: first.handle, confirm: code })).status).toBe(200)
  })

  it('from another network by its id, as a server’s always is: the code comes the same way, and it isn’t lost', async () => {
    const id = await connectDirectly(server, etsyProvider(etsy), { kind: 'client', clientId: 'robot' })
    const owner = { authorization: robot.basic }
    const again = await start({ connection: id }, owner)
    const page = await go(newBrowser({ 'x-forwarded-for': '203.0.113.9' }), again)
    const confirm = /id="confirmation_code">([^<]+)</.exec(page.text)?.[1] ?? ''
    const refused = (await ask('/vault/token', { connection: id }, owner)).json()['error']
    expect(refused).toBe('authorization_pending')
    expect((await ask('/vault/token', { connection: id, confirm }, { authorization: bob.token })).status).toBe(404)
    expect((await ask('/vault/token', { connection: id, confirm }, owner)).status).toBe(200)
    expect((await storedConnection(server, id)).confirmation).toBeUndefined()
  })
})

/** The scope that the provider is asked for by whoever follows a start. */
async function scopeAsked(browser: Browser, started: Start): Promise<string | null> {
  const page = await browser.ask(started.connect_url)
  const isOwn = !page.text.includes('user_code')
  const proof: Form = isOwn ? { decision: 'allow' } : { user_code: started.user_code, confirm_mine: 'yes' }
  const left = await submit(browser, page, 'connect', proof)
  return new URL(left.location ?? '').searchParams.get('scope')
}

/** As a refresh that names less than was agreed to (RFC 6749 §5.1 allows it; `offline_access` is often left out). */
async function narrowed(handle: string): Promise<void> {
  const json = { access_token: '123456789.n', token_type: 'Bearer', expires_in: 60, refresh_token: '123456789.r' }
  etsy.faults.push({ json: { ...json, scope: 'listings_r' } })
  server.clock.advance(100)
  expect((await ask('/vault/token', { handle })).json()).toMatchObject({ scope: 'listings_r' })
}

const wide = 'listings_r shops_r'

describe('what its person is asked for again', () => {
  it('is what was asked for, not what the last refresh named', async () => {
    const first = (await start({ provider: 'etsy', scope: wide })) as Start & { readonly handle: string }
    await go(newBrowser(), first)
    await narrowed(first.handle)
    const { handle } = first
    expect(await scopeAsked(newBrowser(), await start({ handle }))).toBe(wide)
    // Whoever asks for something else has that asked for the next time.
    const other = await start({ handle, scope: 'shops_r' })
    await go(newBrowser(), other)
    expect(await scopeAsked(newBrowser(), await start({ handle }))).toBe('shops_r')
  })

  it('is what a start asks for and what it has, where a release of before kept nothing of it', async () => {
    const first = (await start({ provider: 'etsy', scope: wide })) as Start & { readonly handle: string }
    await go(newBrowser(), first)
    const { asked: _, ...before } = await storedConnection(server, first.connection)
    await transition(server.core.transition, { slot: ref('connection', first.connection) }, ({ slot }) => ({
      writes: [put(slot, before, { expiresAt: null })],
      result: undefined,
    }))
    const asked = await scopeAsked(newBrowser(), await start({ handle: first.handle }))
    expect(asked).toBe('listings_r listings_w shops_r')
  })
})

describe('from another address, also what an account started', () => {
  const elsewhere = { 'x-forwarded-for': '198.51.100.7' }

  it('stays pending by handle, by id, for the proxy and for an exchange until the code of the last page comes', async () => {
    const owner = { authorization: ada.token }
    const started = await start({ provider: 'etsy' }, { ...owner, ...elsewhere })
    const page = await go(ada.browser, started)
    const confirm = /id="confirmation_code">([^<]+)</.exec(page.text)?.[1] ?? ''
    for (const form of [{ handle: started.handle ?? '' }, { connection: started.connection }])
      expect((await ask('/vault/token', form, owner)).json()['error']).toBe('authorization_pending')
    expect((await server.core.vault.freshToken({ connection: started.connection })).outcome).toBe('pending')
    expect((await ask('/vault/token', { connection: started.connection, confirm }, owner)).status).toBe(200)
    expect((await ask('/vault/token', { handle: started.handle ?? '' })).status).toBe(200)
  })
})

describe('the account page', () => {
  const press = async (browser: Browser, form: Form): Promise<Answer> =>
    submit(browser, await browser.ask('/account/connections'), 'connections', form)

  it('connects again what is broken, and asks for no code, wherever its person has got to meanwhile', async () => {
    const authorization = ada.token
    const started = await start({ provider: 'etsy', scope: wide }, { authorization })
    await go(ada.browser, started)
    const whole = (await ada.browser.ask('/account/connections')).text
    expect(whole).not.toContain(`name="renew" value="${started.connection}"`)
    await narrowed(started.handle ?? '')
    etsy.revokeAll()
    server.clock.advance(100)
    expect((await ask('/vault/token', { handle: started.handle ?? '' })).json()['error']).toBe('needs_reauth')

    const asked = await press(ada.browser, { renew: started.connection })
    expect([asked.status, asked.location]).toEqual([303, expect.stringContaining('/vault/connect/')])
    const page = await ada.browser.ask(asked.location ?? '')
    const left = await submit(ada.browser, page, 'connect', { decision: 'allow' })
    expect(new URL(left.location ?? '').searchParams.get('scope')).toBe(wide)
    const done = await ada.browser.ask(await consent(left.location ?? ''), { headers: elsewhere })
    expect(done.text).toContain('id="connected"')
    expect(done.text).not.toContain('id="confirmation_code"')
    expect((await ask('/vault/token', { handle: started.handle ?? '' })).status).toBe(200)
    expect(await eventsOf(server, started.connection)).toContain('connection.renewed')
  })

  it('L13: does so for nobody else’s, and for none that nobody can renew', async () => {
    const theirs = await connectDirectly(server, etsyProvider(etsy), { kind: 'client', clientId: 'robot' })
    const { userId = '' } = (await findUserNamed(server.core, 'bob')) ?? {}
    const bobs = await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId })
    const nobodys = await connectDirectly(server, etsyProvider(etsy))
    for (const renew of [theirs, bobs, nobodys, 'none']) {
      const answer = await press(ada.browser, { renew })
      expect([answer.status, answer.location]).toEqual([400, undefined])
      expect(answer.text).toContain('Start a new connection where you use it')
    }
  })

  it('L12: begins no more than its person has room for, and goes on when there is some', async () => {
    const id = await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId: ada.userId })
    const { limits } = server.core
    let taken = 0
    while (!('retryAfterSeconds' in limits.reserve('connect-owned', [ada.userId]))) taken++
    const full = await press(ada.browser, { renew: id })
    expect([full.status, full.location]).toEqual([400, undefined])
    server.clock.advance(2)
    const asked = await press(ada.browser, { renew: id })
    expect([asked.status, asked.location]).toEqual([303, expect.stringContaining('/vault/connect/')])
    expect((await press(ada.browser, { renew: id })).status).toBe(400)
    while (taken-- > 0) limits.forgive('connect-owned', [ada.userId])
  })

  const elsewhere = { 'x-forwarded-for': '203.0.113.80' }
})

describe('L23 account-switch', () => {
  it('another account of the provider changes nothing, and the person hears why', async () => {
    const started = (await start({ provider: 'etsy' })) as Start & { readonly handle: string }
    await go(newBrowser(), started)
    const before = await storedConnection(server, started.connection)
    const again = await start({ handle: started.handle })
    etsy.userId = '987654321'
    const browser = newBrowser()
    const page = await go(browser, again)
    expect(page.text).toContain('id="another_account"')
    expect(await storedConnection(server, started.connection)).toEqual(before)
    expect((await ask('/vault/token', { handle: started.handle })).json()).toMatchObject({ account: '123456789' })
    expect(await eventsOf(server, started.connection)).toContain('connection.denied')
    // Nor by the same start, with the right account.
    etsy.userId = '123456789'
    const form = await browser.ask(again.connect_url)
    expect((await submit(browser, form, 'connect', { user_code: again.user_code, confirm_mine: 'yes' })).status).toBe(
      400,
    )
  })

  it('an application hears it as a no', async () => {
    const id = await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId: ada.userId })
    const again = await start({ connection: id, return_to: 'https://app.example/cb' }, { authorization: ada.token })
    etsy.userId = '987654321'
    const back = new URL((await go(ada.browser, again)).location ?? '')
    expect([back.searchParams.get('error'), back.searchParams.get('connection')]).toEqual(['access_denied', id])
  })

  it('a connection whose account nobody knows isn’t renewed: any other would look the same', async () => {
    const id = await connectDirectly(server, etsyProvider(etsy), { kind: 'client', clientId: 'robot' })
    await transition(server.core.transition, { slot: ref('connection', id) }, ({ slot }) => ({
      writes: [put(slot, { ...slot.value!, account: '' } as never, { expiresAt: null })],
      result: undefined,
    }))
    const answer = await ask('/vault/connect', { connection: id }, { authorization: robot.basic })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
  })

  it('nobody renews what is another’s, ended, or at another provider', async () => {
    const id = await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId: ada.userId })
    const started = async (form: Form, authorization?: string) =>
      (await ask('/vault/connect', form, authorization === undefined ? {} : { authorization })).status
    expect(await started({ connection: id }, bob.token)).toBe(404)
    expect(await started({ connection: id }, robot.basic)).toBe(404)
    expect(await started({ connection: id })).toBe(400)
    expect(await started({ connection: id, provider: 'other' }, ada.token)).toBe(400)
    const first = (await start({ provider: 'etsy' })) as Start & { readonly handle: string }
    await go(newBrowser(), first)
    const again = await start({ handle: first.handle })
    await ask('/vault/revoke', { handle: first.handle })
    expect(await started({ handle: first.handle })).toBe(400)
    // What was begun before it ended brings nothing back.
    expect((await go(newBrowser(), again)).status).toBe(400)
    expect((await ask('/vault/token', { handle: first.handle })).json()['error']).toBe('expired_token')
  })
})
