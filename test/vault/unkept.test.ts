import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createVault } from '../../src/vault/create-vault.ts'
import { recallConnections } from '../../src/vault/recall-connections.ts'
import { consent } from '../emulators/emulator.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, keptTokens, startRevokingEtsy, storedConnection, type RevokingEtsy } from './house.ts'

// What a provider gave and nobody may keep goes back to it (RFC 7009), and what is ended before it began comes to nothing.

let upstream: RevokingEtsy
let server: TestGatehouse
let ada: { readonly browser: Browser; readonly userId: string; readonly token: string }

beforeAll(async () => {
  upstream = await startRevokingEtsy()
  server = await startGatehouse({
    config: { providers: [upstream.provider], trustedProxies: ['127.0.0.1'] },
  })
  const web = await server.makeClient({ client_id: 'web', scope: 'openid me vault' })
  const { userId } = await server.makeUser('ada')
  const { browser, tokens } = await codeFlow(server, web, 'ada', { extra: { scope: 'openid me vault' } })
  ada = { browser, userId, token: `Bearer ${tokens.access_token}` }
})
afterAll(() => Promise.all([server.close(), upstream.close()]))
afterEach(() => {
  upstream.revoking.asked.length = 0
  upstream.etsy.userId = '123456789'
})

type Form = Readonly<Record<string, string>>
const ask = (path: string, form: Form, headers = {}): Promise<Answer> =>
  createBrowser(server.url).ask(path, { form, headers })
type Start = { readonly handle: string; readonly connect_url: string; readonly user_code: string; connection: string }
const start = async (form: Form = {}, headers = {}) =>
  (await ask('/vault/connect', { provider: 'etsy', ...form }, headers)).json() as Start

/** To the provider and its yes: the address that the browser is sent back to. */
async function consented(browser: Browser, started: Start): Promise<string> {
  const page = await browser.ask(started.connect_url)
  const isOwn = !page.text.includes('user_code')
  const proof: Form = isOwn ? { decision: 'allow' } : { user_code: started.user_code, confirm_mine: 'yes' }
  return consent((await submit(browser, page, 'connect', proof)).location ?? '')
}

async function due(): Promise<number> {
  let found = 0
  for await (const { value } of server.core.admin.scan('revocation'))
    if ('nextAt' in value && value.nextAt <= server.clock.seconds()) found += 1
  return found
}

/** Which tokens the provider has been told of once somebody has looked what there is to give back. */
async function givenBack(): Promise<readonly string[]> {
  // A node that starts looks what there is to do.
  const node = createVault({ ...server.core, onError: () => undefined })
  await expect.poll(due).toBe(0)
  await node.close()
  return upstream.revoking.asked.map(({ form }) => form.get('token') ?? '')
}

const asHis = expect.stringMatching(/^123456789\./)
const both = [asHis, asHis]

describe('tokens that came too late', () => {
  it('L25: after all of the provider was recalled', async () => {
    const browser = createBrowser(server.url)
    const back = await consented(browser, await start())
    await recallConnections(server.core, { actor: { kind: 'cli' }, provider: 'etsy' })
    expect((await browser.ask(back)).status).toBe(400)
    expect(await givenBack()).toEqual(both)
  })

  it('L25: also where its owner had the same account connected before the recall', async () => {
    await connectDirectly(server, upstream.provider, { kind: 'user', userId: ada.userId })
    const back = await consented(ada.browser, await start({}, { authorization: ada.token }))
    await recallConnections(server.core, { actor: { kind: 'cli' }, provider: 'etsy' })
    expect((await ada.browser.ask(back)).status).toBe(400)
    expect(await givenBack()).toEqual(both)
  })

  it('after the start was revoked by its handle', async () => {
    const browser = createBrowser(server.url)
    const started = await start()
    const back = await consented(browser, started)
    expect((await ask('/vault/revoke', { handle: started.handle })).status).toBe(200)
    expect((await browser.ask(back)).status).toBe(400)
    expect(await givenBack()).toEqual(both)
    expect((await storedConnection(server, started.connection)).state).toBe('revoked')
  })

  it('L04: for somebody who is signed in no more', async () => {
    const { browser } = ada
    const back = await consented(browser, await start({}, { authorization: ada.token }))
    const cookies = Object.fromEntries(browser.cookies)
    const session = Object.keys(cookies).find((name) => name.includes('session')) ?? ''
    browser.cookies.delete(session)
    expect((await browser.ask(back)).status).toBe(400)
    browser.cookies.set(session, cookies[session] ?? '')
    expect(await givenBack()).toEqual(both)
  })
})

describe('L23: tokens of another account than was to be renewed', () => {
  const renew = async (id: string): Promise<void> => {
    const again = await start({ connection: id }, { authorization: ada.token })
    upstream.etsy.userId = '987654321'
    await ada.browser.ask(await consented(ada.browser, again))
  }

  it('go back, and what is kept stays', async () => {
    const id = await connectDirectly(server, upstream.provider, { kind: 'user', userId: ada.userId })
    const kept = await keptTokens(server, id)
    await renew(id)
    const elses = expect.stringMatching(/^987654321\./)
    expect(await givenBack()).toEqual([elses, elses])
    expect(await keptTokens(server, id)).toEqual(kept)
  })

  it('stay where that one is connected too: some providers would end it with them', async () => {
    const id = await connectDirectly(server, upstream.provider, { kind: 'user', userId: ada.userId })
    upstream.etsy.userId = '987654321'
    await connectDirectly(server, upstream.provider, { kind: 'user', userId: ada.userId })
    await renew(id)
    expect(await givenBack()).toEqual([])
  })
})

describe('tokens that wait for the code of the last page', () => {
  const elsewhere = async () => {
    const started = await start({}, { 'x-forwarded-for': '198.51.100.7' })
    const browser = createBrowser(server.url, { 'x-forwarded-for': '203.0.113.9' })
    const done = await browser.ask(await consented(browser, started))
    return { ...started, code: /id="confirmation_code">([^<]+)</.exec(done.text)?.[1] ?? '' }
  }

  it('go back where it never comes', async () => {
    await elsewhere()
    expect(await givenBack()).toEqual([])
    server.clock.advance(700)
    expect(await givenBack()).toEqual(both)
    expect(await givenBack()).toEqual(both)
  })

  it('stay where it came; and go back once where the connection was ended first', async () => {
    const [confirmed, ended] = [await elsewhere(), await elsewhere()]
    expect((await ask('/vault/token', { handle: confirmed.handle, confirm: confirmed.code })).status).toBe(200)
    expect((await ask('/vault/revoke', { handle: ended.handle })).status).toBe(200)
    await expect.poll(() => upstream.revoking.asked.length).toBe(2)
    server.clock.advance(700)
    expect(await givenBack()).toEqual(both)
    expect((await ask('/vault/token', { handle: confirmed.handle })).status).toBe(200)
  })
})

describe('a start that is revoked before anybody followed it', () => {
  it('ends with its journey, and says so', async () => {
    const started = await start()
    const answer = await ask('/vault/revoke', { handle: started.handle })
    expect([answer.status, answer.json()]).toEqual([200, {}])
    const browser = createBrowser(server.url)
    const page = await browser.ask(started.connect_url)
    const proof = { user_code: started.user_code, confirm_mine: 'yes' }
    expect((await submit(browser, page, 'connect', proof)).status).toBe(400)
    expect((await ask('/vault/token', { handle: started.handle })).json()['error']).toBe('access_denied')
    expect((await ask('/vault/revoke', { handle: started.handle })).status).toBe(200)
  })

  it('L12: and each that is costs a record, so one source has as many as it may begin', async () => {
    const from = { 'x-forwarded-for': '192.0.2.77' }
    const { handle } = await start()
    const { limits } = server.core
    while (!('retryAfterSeconds' in limits.reserve('connect-form', ['192.0.2.77'])));
    expect((await ask('/vault/revoke', { handle }, from)).status).toBe(429)
    expect((await ask('/vault/token', { handle })).json()['error']).toBe('authorization_pending')
  })

  it('where its time is over there is nothing to end', async () => {
    const { handle } = await start()
    server.clock.advance(601)
    const answer = await ask('/vault/revoke', { handle })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'expired_token'])
  })
})

describe('tokens of an account that somebody has connected', () => {
  it('stay where he brings them for another start, which its beginner has ended: nobody ends his own that way', async () => {
    await connectDirectly(server, upstream.provider, { kind: 'user', userId: ada.userId })
    const started = await start()
    const back = await consented(ada.browser, started)
    await ask('/vault/revoke', { handle: started.handle })
    expect((await ada.browser.ask(back)).status).toBe(400)
    expect(await givenBack()).toEqual([])
  })

  it('stay where he never shows the code of the last page: what he has goes on', async () => {
    const started = await start({}, { 'x-forwarded-for': '198.51.100.7' })
    const done = await ada.browser.ask(await consented(ada.browser, started))
    expect(done.text).toContain('id="confirmation_code"')
    server.clock.advance(700)
    expect(await givenBack()).toEqual([])
  })
})
