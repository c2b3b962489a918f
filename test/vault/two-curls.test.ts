import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { stateOf } from '../attacks/support.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, errorOf, formBody, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { printToken } from '../../src/tokens/token-text.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { reportLeaks } from '../kit/sign.ts'
import { etsyProvider, eventsOf, keptTokens, storedConnection } from './house.ts'

let etsy: Etsy
let server: TestGatehouse

beforeAll(async () => {
  etsy = await startEtsy()
  server = await startGatehouse({
    config: { providers: [etsyProvider(etsy, { sign_in: 'create' })], trustedProxies: ['127.0.0.1'] },
  })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})

const curl = (path: string, form: Readonly<Record<string, string>>, headers = {}): Promise<Answer> =>
  createBrowser(server.url).ask(path, { form, headers })

const asText = { accept: 'text/plain' }

type Start = {
  readonly handle: string
  readonly connect_url: string
  readonly user_code: string
  readonly connection: string
}

const start = async (headers = {}): Promise<Start> =>
  (await curl('/vault/connect', { provider: 'etsy' }, headers)).json() as Start

/** From the page to the provider: what a person does who reads the code in his terminal. */
async function toProvider(browser: Browser, started: Start, code = started.user_code): Promise<Answer> {
  const page = await browser.ask(started.connect_url)
  return submit(browser, page, 'connect', { user_code: code, confirm_mine: 'yes' })
}

async function connect(browser: Browser, started: Start, decision: 'allow' | 'deny' = 'allow'): Promise<Answer> {
  const left = await toProvider(browser, started)
  return browser.ask(await consent(left.location ?? '', decision))
}

const pickUp = (handle: string, more = {}, headers = {}): Promise<Answer> =>
  curl('/vault/token', { handle, ...more }, headers)

const newBrowser = (headers = {}): Browser => createBrowser(server.url, headers)

describe('two curl commands', () => {
  it('start, consent in a browser, and a token that holds whenever it is asked for', async () => {
    const began = await curl('/vault/connect', { provider: 'etsy' }, asText)
    expect(began.status).toBe(201)
    const [url = '', userCode = '', handle = ''] = began.text.split('\n')
    expect(url.startsWith(`${server.url}/vault/connect/`)).toBe(true)
    expect(userCode).toMatch(/^[B-Z]{4}-[B-Z]{4}$/)
    expect(handle).toMatch(/^gth_vh_/)
    expect((await pickUp(handle)).json()).toMatchObject({ error: 'authorization_pending' })

    const browser = newBrowser()
    const done = await connect(browser, { connect_url: url, user_code: userCode.toLowerCase(), handle, connection: '' })
    expect([done.status, done.text.includes('id="connected"')]).toEqual([200, true])

    const first = await pickUp(handle, {}, asText)
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8'])
    expect(first.text).toMatch(/^123456789\.[\w-]+$/)
    expect((await pickUp(handle)).json()).toEqual({
      access_token: first.text,
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'listings_r listings_w',
      provider: 'etsy',
      account: '123456789',
    })
    server.clock.advance(4000)
    const later = await pickUp(handle, {}, asText)
    expect(later.text).toMatch(/^123456789\./)
    expect(later.text).not.toBe(first.text)
  })

  it.each([
    ['text/plain', 'text'],
    ['Text/Plain;charset=utf-8', 'text'],
    ['text/plain, */*', 'text'],
    ['text/plain, application/json', 'text'],
    ['application/json;q=0.5, text/plain', 'text'],
    ['application/json;q=0, text/plain;q=0.5, */*', 'text'],
    ['application/*;q=0.3, text/plain;q=0.5, */*', 'text'],
    // What HTTP libraries of browsers and Node say by themselves: whoever wrote them expects JSON.
    ['application/json, text/plain, */*', 'json'],
    ['text/plain;q=0.1, application/json', 'json'],
    ['application/*, text/plain;q=0.1', 'json'],
    ['text/plain;q=0.5, */*', 'json'],
    ['text/plain; q=0', 'json'],
    ['text/plain; q=zero', 'json'],
    ['text/*', 'json'],
    ['*/*', 'json'],
    ['', 'json'],
  ])('Accept: %s is answered with %s', async (accept, kind) => {
    const type = kind === 'text' ? 'text/plain; charset=utf-8' : 'application/json'
    const answer = await curl('/vault/connect', { provider: 'etsy' }, { accept })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([201, type])
  })

  it('the way to Etsy carries PKCE and the configured callback path, and the handle nowhere', async () => {
    const started = await start()
    const left = await toProvider(newBrowser(), started)
    expect(left.status).toBe(303)
    const { searchParams } = new URL(left.location ?? '')
    expect(searchParams.get('redirect_uri')).toBe(`${server.url}/etsy`)
    expect(searchParams.get('code_challenge_method')).toBe('S256')
    expect(started.connect_url + (left.location ?? '')).not.toContain(started.handle)
  })

  it('says denied, and broken, and ended in words', async () => {
    const denied = await start()
    const page = await connect(newBrowser(), denied, 'deny')
    expect(page.text).toContain('id="denied"')
    const answer = await pickUp(denied.handle)
    expect([answer.status, answer.json()['error']]).toEqual([400, 'access_denied'])

    const unused = await start()
    server.clock.advance(601)
    expect((await pickUp(unused.handle)).json()['error']).toBe('expired_token')
    expect((await newBrowser().ask(unused.connect_url)).status).toBe(400)

    const ended = await start()
    await connect(newBrowser(), ended)
    expect((await curl('/vault/revoke', { handle: ended.handle })).status).toBe(200)
    expect((await pickUp(ended.handle)).json()['error']).toBe('expired_token')
    expect((await pickUp('gth_vh_nothing')).status).toBe(404)
    expect((await pickUp(`${ended.handle.slice(0, -1)}_`)).status).toBe(404)
    // Etsy has no way to give a token back, and that is written down too.
    await expect
      .poll(() => eventsOf(server, ended.connection))
      .toEqual(expect.arrayContaining(['connection.made', 'connection.revoked', 'connection.given_back']))

    const broken = await start()
    await connect(newBrowser(), broken)
    etsy.revokeAll()
    server.clock.advance(4000)
    expect((await pickUp(broken.handle)).json()['error']).toBe('needs_reauth')
  })

  it('a provider that is down is a 503 with a time to come back', async () => {
    const started = await start()
    await connect(newBrowser(), started)
    server.clock.advance(4000)
    etsy.faults.push('500')
    const answer = await pickUp(started.handle)
    expect([answer.status, answer.json()['error']]).toEqual([503, 'temporarily_unavailable'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  })

  it('refuses a provider that takes accounts alone, an unknown one, and a return_to', async () => {
    const other = await startGatehouse({ config: { providers: [etsyProvider(etsy, { anonymous: false })] } })
    const closed = await createBrowser(other.url).ask('/vault/connect', { form: { provider: 'etsy' } })
    await other.close()
    expect([closed.status, closed.json()['error']]).toEqual([401, 'invalid_client'])
    expect((await curl('/vault/connect', { provider: 'nothing' })).status).toBe(400)
    expect((await curl('/vault/connect', { provider: 'etsy', return_to: 'https://app.example/cb' })).status).toBe(400)
  })
})

describe('nothing that is started is somebody else’s to finish', () => {
  it('the page names the starter’s address and the scopes, and loads nothing', async () => {
    const started = await start({ 'x-forwarded-for': '198.51.100.7' })
    const page = await newBrowser().ask(started.connect_url)
    expect(page.text).toContain('198.51.100.7')
    expect(page.text).toContain('listings_w')
    expect(page.text).not.toContain(started.user_code)
  })

  it('wants the code of the terminal and the word that he started it himself', async () => {
    const started = await start()
    const browser = newBrowser()
    const page = await browser.ask(started.connect_url)
    const unticked = await submit(browser, page, 'connect', { user_code: started.user_code })
    expect([unticked.status, unticked.location]).toEqual([403, undefined])
    const wrong = await submit(browser, page, 'connect', { user_code: 'BBBB-BBBB', confirm_mine: 'yes' })
    expect([wrong.status, wrong.location]).toEqual([403, undefined])
    expect((await toProvider(browser, started)).status).toBe(303)
  })

  it('five wrong codes end it, also for the right one', async () => {
    const started = await start()
    const browser = newBrowser()
    for (let tries = 1; tries <= 5; tries += 1)
      expect((await toProvider(browser, started, 'BBBB-BBBB')).location).toBeUndefined()
    expect((await toProvider(browser, started)).status).toBe(400)
    expect((await pickUp(started.handle)).json()['error']).toBe('access_denied')
  })

  it('L04: the first browser with the right code has it, and no other', async () => {
    const started = await start()
    await toProvider(newBrowser(), started)
    const second = await toProvider(newBrowser(), started)
    expect([second.status, errorOf(second.text)]).toEqual([400, 'invalid_request'])
  })

  it('L07: another browser finishes nothing, and uses the journey up', async () => {
    const started = await start()
    const browser = newBrowser()
    const callback = await consent((await toProvider(browser, started)).location ?? '')
    const stranger = newBrowser()
    await stranger.ask('/signin')
    expect((await stranger.ask(callback)).status).toBe(400)
    expect((await browser.ask(callback)).status).toBe(400)
    expect((await pickUp(started.handle)).json()['error']).toBe('authorization_pending')
  })

  it('L11: the same callback twice, and 20 at once, make one exchange and one connection', async () => {
    const started = await start()
    const browser = newBrowser()
    const callback = await consent((await toProvider(browser, started)).location ?? '')
    const before = etsy.askedAt('/v3/public/oauth/token').length
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser.ask(callback)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(etsy.askedAt('/v3/public/oauth/token').length - before).toBe(1)
  })

  it('L14, CSRF: a form from elsewhere goes nowhere', async () => {
    const started = await start()
    const browser = newBrowser()
    const { fields, action } = readForm((await browser.ask(started.connect_url)).text, 'connect')
    const form = { ...fields, user_code: started.user_code, confirm_mine: 'yes' }
    const foreign = await browser.ask(action, { form, headers: { origin: 'https://evil.example' } })
    expect([foreign.status, foreign.location]).toEqual([403, undefined])
    expect((await browser.ask(action, { form: { ...form, csrf: '' } })).status).toBe(403)
  })
})

describe('from another address', () => {
  const there = { 'x-forwarded-for': '203.0.113.9' }

  it('the last page shows a code, and the handle stays pending until it comes', async () => {
    const started = await start({ 'x-forwarded-for': '198.51.100.7' })
    const done = await connect(newBrowser(there), started)
    const code = /id="confirmation_code">([^<]+)</.exec(done.text)?.[1] ?? ''
    expect(code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/)
    expect((await pickUp(started.handle)).json()).toMatchObject({ error: 'authorization_pending' })
    expect((await server.core.vault.freshToken({ connection: started.connection })).outcome).toBe('pending')
    expect((await pickUp(started.handle, { confirm: 'BBBB-BBBB' })).status).toBe(400)
    expect((await pickUp(started.handle, { confirm: code.replace('-', ' ') })).status).toBe(200)
    expect((await pickUp(started.handle)).status).toBe(200)
  })

  it('five wrong ones end it, and so do ten minutes without one', async () => {
    const guessed = await start({ 'x-forwarded-for': '198.51.100.7' })
    const done = await connect(newBrowser(there), guessed)
    const code = /id="confirmation_code">([^<]+)</.exec(done.text)?.[1] ?? ''
    for (let tries = 1; tries <= 5; tries += 1) await pickUp(guessed.handle, { confirm: 'BBBB-BBBB' })
    expect((await pickUp(guessed.handle, { confirm: code })).json()['error']).toBe('expired_token')
    const late = await start({ 'x-forwarded-for': '198.51.100.7' })
    await connect(newBrowser(there), late)
    server.clock.advance(601)
    expect((await pickUp(late.handle)).json()['error']).toBe('expired_token')
  })

  it.each([
    ['198.51.100.7', '198.51.100.8', true],
    ['2001:db8:1:2::1', '2001:db8:1:2::ffff', true],
    ['2001:db8:1:2::1', '198.51.100.7', true],
    ['2001:db8:1:2::1', '2001:db8:1:2::1', false],
  ])('%s and %s: another address, however near, is another', async (starter, browser, isElsewhere) => {
    const started = await start({ 'x-forwarded-for': starter })
    const done = await connect(newBrowser({ 'x-forwarded-for': browser }), started)
    expect(done.text.includes('id="confirmation_code"')).toBe(isElsewhere)
    expect((await pickUp(started.handle)).status).toBe(isElsewhere ? 400 : 200)
  })
})

describe('what is kept', () => {
  it('L12: starts that nobody follows write nothing', async () => {
    const before = await recordCount()
    for (let index = 0; index < 200; index += 1) await start({ 'x-forwarded-for': `198.51.100.${index}` })
    expect(await recordCount()).toBe(before)
  })

  it('L12: one source that starts without end is asked to wait, and no other feels it', async () => {
    onTestFinished(server.clock.stand())
    const ask = () => curl('/vault/connect', { provider: 'etsy' }, { 'x-forwarded-for': '192.0.2.1' })
    const answers = await Promise.all(Array.from({ length: 640 }, ask))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 429]))
    expect((await curl('/vault/connect', { provider: 'etsy' })).status).toBe(201)
  })

  it('L12: sixty sources that use up their forms stop neither the next one nor signing in, and a finished one is given back', async () => {
    onTestFinished(server.clock.stand())
    const from = (address: string) => newBrowser({ 'x-forwarded-for': address })
    const useUp = (address: string): number => {
      let taken = 0
      while ('forgive' in server.core.limits.reserve('connect-form', [address])) taken += 1
      return taken
    }
    for (let index = 1; index <= 60; index += 1) useUp(`203.0.113.${index}`)
    expect((await toProvider(from('203.0.113.1'), await start())).status).toBe(429)
    expect((await toProvider(from('203.0.113.61'), await start())).status).toBe(303)
    expect((await from('203.0.113.1').ask('/signin/with/etsy')).status).toBe(303)
    expect((await from('203.0.113.61').ask('/signin/with/etsy')).status).toBe(303)

    const fresh = useUp('203.0.113.70')
    await connect(from('203.0.113.71'), await start())
    expect(useUp('203.0.113.71')).toBe(fresh)
  })

  it.each([
    ['ends after one wrong code', 'BBBB-BBBB', 'connection.revoked'],
    ['says no to at the provider', undefined, 'connection.denied'],
  ] as const)(
    'L12: what a stranger begins and %s is gone in ten minutes, and so is his room for events',
    async (_, code, type) => {
      const address = code === undefined ? '203.0.113.81' : '203.0.113.80'
      const from = { 'x-forwarded-for': address }
      const end = async (): Promise<Start> => {
        const started = await start(from)
        const browser = newBrowser(from)
        const left = await toProvider(browser, started, code)
        if (code !== undefined) expect((await curl('/vault/revoke', { handle: started.handle }, from)).status).toBe(200)
        else {
          const callback = new URL('/etsy', server.url)
          callback.searchParams.set('error', 'access_denied')
          callback.searchParams.set('state', new URL(left.location ?? '').searchParams.get('state') ?? '')
          expect((await browser.ask(callback.href)).text).toContain('id="denied"')
        }
        return started
      }
      const first = await end()
      const [event] = await eventsAbout(first.connection)
      expect(event).toMatchObject({ type, address })
      const { endsAt } = (await storedConnection(server, first.connection)) as { endsAt?: number }
      expect(endsAt).toBeLessThanOrEqual(server.clock.seconds() + 600)
      while (!('retryAfterSeconds' in server.core.limits.reserve('refusal-event', [address]))) continue
      const unheard = await end()
      expect(await eventsAbout(unheard.connection)).toEqual([])
      expect((await storedConnection(server, unheard.connection)).state).toBe(code === undefined ? 'denied' : 'revoked')
    },
  )

  it('what was connected is told of when it ends, however little room its source has', async () => {
    const started = await start()
    await connect(newBrowser(), started)
    while (!('retryAfterSeconds' in server.core.limits.reserve('refusal-event', ['203.0.113.82']))) continue
    await curl('/vault/revoke', { handle: started.handle }, { 'x-forwarded-for': '203.0.113.82' })
    expect(await eventsOf(server, started.connection)).toContain('connection.revoked')
  })

  it('L16, L17: neither handle nor tokens nor codes stand in a record or the log', async () => {
    const started = await start()
    const done = await connect(newBrowser({ 'x-forwarded-for': '203.0.113.90' }), started)
    const confirm = /id="confirmation_code">([^<]+)</.exec(done.text)?.[1] ?? ''
    const unconfirmed = JSON.stringify(await stateOf(server))
    const { text: access } = await pickUp(started.handle, { confirm }, asText)
    const { refresh = '' } = await keptTokens(server, started.connection)
    const everywhere = unconfirmed + JSON.stringify(await stateOf(server)) + server.logged()
    for (const secret of [started.handle, started.user_code, confirm, access, refresh]) {
      expect(secret.length).toBeGreaterThan(8)
      expect(everywhere).not.toContain(secret)
    }
    expect(server.logged()).not.toContain(started.connect_url.split('/').at(-1))
  })

  it('a handle that nobody uses for 90 days is dead; one that is used lives on', async () => {
    const [used, idle] = [await start(), await start()]
    for (const one of [used, idle]) await connect(newBrowser(), one)
    for (let month = 0; month < 4; month += 1) {
      server.clock.advance(30 * 24 * 3600)
      expect((await pickUp(used.handle)).status).toBe(200)
    }
    expect((await pickUp(idle.handle)).json()['error']).toBe('expired_token')
    expect((await storedConnection(server, used.connection)).edition).toBeGreaterThan(4)
  })

  async function eventsAbout(target: string): Promise<readonly object[]> {
    const found: object[] = []
    for await (const { value } of server.core.admin.scan('event'))
      if ('target' in value && value.target === target) found.push(value)
    return found
  }

  async function recordCount(): Promise<number> {
    let count = 0
    for (const kind of ['connection', 'flow', 'event', 'interaction', 'once'] as const)
      for await (const _ of server.core.admin.scan(kind)) count += 1
    return count
  }
})

describe('a handle that somebody makes up', () => {
  it('is none, also for a connection that there is', async () => {
    const started = await start()
    await connect(newBrowser(), started)
    const secret = 'A'.repeat(43)
    for (const keyId of ['gone', server.core.keys.secret('mac').keyId])
      for (const id of [started.connection, server.core.random.id(server.clock.millis())]) {
        const answer = await pickUp(printToken('vh', `${keyId}.${id}.${secret}.${secret}`))
        expect(answer.status).toBe(404)
      }
  })

  it('holds up whoever makes them up, and nobody beside him who has one', async () => {
    const from = { 'x-forwarded-for': '203.0.113.83' }
    const started = await start()
    await connect(newBrowser(), started)
    const guess = () =>
      pickUp(printToken('vh', `gone.${started.connection}.${'A'.repeat(43)}.${'A'.repeat(43)}`), {}, from)
    const statuses = await Promise.all(Array.from({ length: 80 }, async () => (await guess()).status))
    expect(new Set(statuses)).toEqual(new Set([404, 429]))
    expect((await pickUp('gth_vh_nothing', {}, from)).status).toBe(429)
    expect((await pickUp(started.handle, {}, from)).status).toBe(200)
    const call = await createBrowser(server.url).ask(`/vault/proxy/${started.connection}/v3/application/nothing`, {
      headers: { ...from, authorization: `Bearer ${started.handle}` },
    })
    expect(call.status).not.toBe(429)
  })
})

describe('a form that is sent twice', () => {
  it('L02: a handle twice is refused', async () => {
    const started = await start()
    const body = `${formBody({ handle: started.handle })}&${formBody({ handle: started.handle })}`
    const answer = await createBrowser(server.url).ask('/vault/token', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'invalid_request'])
  })
})

describe('K17: a handle that somebody found where others can read it', () => {
  it('ends, with its connection or before there is one; a guess changes nothing', async () => {
    const about = {
      client_id: 'scanner',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'leaks:report',
      token_endpoint_auth_method: 'http_message_signature',
    }
    const scanner = await server.makeClient(about)
    const [connected, followed, begun, spared] = [await start(), await start(), await start(), await start()]
    await connect(newBrowser(), connected)
    await connect(newBrowser(), spared)
    const person = newBrowser()
    const left = await toProvider(person, followed)
    const tokens = [connected.handle, followed.handle, begun.handle, `${spared.handle.slice(0, -4)}AAAA`, 'gth_vh_x']
    const report = await reportLeaks(server, { clientId: 'scanner', key: { secret: scanner.secret } }, tokens)
    expect(report.json()).toEqual({ received: 5 })
    expect((await pickUp(connected.handle)).json()['error']).toBe('expired_token')
    expect((await person.ask(await consent(left.location ?? ''))).status).toBe(400)
    expect((await pickUp(followed.handle)).json()['error']).toBe('expired_token')
    expect((await toProvider(newBrowser(), begun)).status).toBe(400)
    expect((await pickUp(begun.handle)).json()['error']).toBe('access_denied')
    expect((await pickUp(spared.handle)).status).toBe(200)
    expect(await eventsOf(server, connected.connection)).toContain('connection.revoked')
  })
})
