import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createBrowser, errorOf, readForm, type Answer } from '../kit/browser.ts'
import { authorizeUrl, follow, submit, tokenRequest } from '../kit/flow.ts'
import { freePort } from '../kit/free-port.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { sendRaw, statusOf } from '../server/support/raw.ts'
import { attack, eventsOf, type House } from './support.ts'

/** Servers as they stand in the world: straight on the Internet; https behind a proxy that is trusted; https behind one that isn't. */
let direct: House
let behind: House
let untrusted: House
const servers: TestGatehouse[] = []

beforeAll(async () => {
  direct = await start()
  behind = await start({ https: true, trustedProxies: ['127.0.0.0/8', '198.51.100.0/24'] })
  untrusted = await start({ https: true })
})
afterAll(async () => {
  for (const server of servers) await server.close()
})

async function start(
  options: { readonly https?: boolean; readonly trustedProxies?: readonly string[] } = {},
): Promise<House> {
  const port = await freePort()
  const server = await startGatehouse({
    config: {
      issuer: `${options.https === true ? 'https' : 'http'}://localhost:${port}`,
      listen: { host: '127.0.0.1', port },
      trustedProxies: options.trustedProxies ?? [],
    },
  })
  servers.push(server)
  await server.makeUser('ada')
  const app = await server.makeClient()
  return { server: { ...server, url: server.origin }, app, secrets: [password, app.secret] }
}

/** A guess at the secret of a client that exists for it; each client has a budget of its own per source. */
async function guess(house: House, client: MadeClient, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const basic = `Basic ${btoa(`${client.clientId}:wrong`)}`
  return createBrowser(house.server.url).ask('/oauth/token', {
    form: { grant_type: 'client_credentials' },
    headers: { authorization: basic, ...headers },
  })
}

async function statuses(
  house: House,
  name: string,
  headersOf: (index: number) => Readonly<Record<string, string>>,
): Promise<readonly number[]> {
  const client = await house.server.makeClient({ client_id: name })
  const answers = await attack(
    house,
    async () => {
      const all: Answer[] = []
      for (let index = 0; index < 32; index += 1) all.push(await guess(house, client, headersOf(index)))
      return all
    },
    { writes: ['event'] },
  )
  return answers.map(({ status }) => status)
}

const refusedAfter30 = [...Array.from({ length: 30 }, () => 401), 429, 429]
const neverRefused = Array.from({ length: 32 }, () => 401)

describe('G10 xff-spoof: what counts attempts is the address that nobody can choose', () => {
  const spoofed: Readonly<Record<string, (index: number) => Readonly<Record<string, string>>>> = {
    'a new X-Forwarded-For each time': (index) => ({ 'x-forwarded-for': `203.0.113.${index}` }),
    'a new Forwarded': (index) => ({ forwarded: `for=203.0.113.${index}` }),
    'a new X-Real-IP': (index) => ({ 'x-real-ip': `203.0.113.${index}` }),
    'a new CF-Connecting-IP, True-Client-IP, X-Client-IP': (index) => ({
      'cf-connecting-ip': `203.0.113.${index}`,
      'true-client-ip': `203.0.113.${index}`,
      'x-client-ip': `203.0.113.${index}`,
    }),
    'something that is no address': (index) => ({ 'x-forwarded-for': `a${index}` }),
  }

  test.each(Object.entries(spoofed))('straight from the Internet: %s', async (name, headersOf) => {
    expect(await statuses(direct, `d-${name.replaceAll(/[^A-Za-z]/g, '')}`, headersOf)).toEqual(refusedAfter30)
  })

  test('behind a proxy that nobody trusts it counts as little', async () => {
    expect(await statuses(untrusted, 'guessed', (index) => ({ 'x-forwarded-for': `203.0.113.${index}` }))).toEqual(
      refusedAfter30,
    )
  })

  test('behind a trusted proxy: the right end decides, however much is put before it', async () => {
    expect(
      await statuses(behind, 'right-end', (index) => ({ 'x-forwarded-for': `203.0.113.${index}, 192.0.2.66` })),
    ).toEqual(refusedAfter30)
    expect(
      await statuses(behind, 'two-hops', (index) => ({
        'x-forwarded-for': `10.0.0.${index}, 192.0.2.67, 198.51.100.9`,
      })),
    ).toEqual(refusedAfter30)
    // An honest proxy names a different person each time.
    expect(await statuses(behind, 'honest', (index) => ({ 'x-forwarded-for': `203.0.113.${index}` }))).toEqual(
      neverRefused,
    )
  })

  test.each([
    'a',
    '',
    ',',
    ' , ',
    'unknown',
    '203.0.113.999',
    '2130706433',
    '0x7f.1',
    '127.1',
    '::1%lo',
    '203.0.113.1.',
    'for=203.0.113.1',
    '"203.0.113.1"',
    '_hidden',
    '1, '.repeat(40),
  ])('behind a trusted proxy: the unreadable %j counts as the proxy itself, and no check is left out', async (list) => {
    const client = await behind.server.makeClient({
      client_id: `odd-${Buffer.from(list).toString('hex').slice(0, 40) || 'empty'}`,
    })
    await guess(behind, client, { 'x-forwarded-for': list })
    expect(behind.server.logged().trimEnd().split('\n').at(-2)).toContain('"address":"127.0.0.1"')
  })

  test('what is unreadable is refused after as many', async () => {
    expect(await statuses(behind, 'unreadable', (index) => ({ 'x-forwarded-for': `a${index}` }))).toEqual(
      refusedAfter30,
    )
    expect(
      await statuses(behind, 'unreadable-end', (index) => ({ 'x-forwarded-for': `203.0.113.${index}, a` })),
    ).toEqual(refusedAfter30)
  })

  test('IPv6 counts by the /64 that one attacker has', async () => {
    expect(
      await statuses(behind, 'six', (index) => ({ 'x-forwarded-for': `2001:db8:1:2::${index.toString(16)}` })),
    ).toEqual(refusedAfter30)
    expect(
      await statuses(behind, 'six-apart', (index) => ({ 'x-forwarded-for': `2001:db8:1:${index.toString(16)}::1` })),
    ).toEqual(neverRefused)
  })

  test('sign-ins of many accounts from one place: 60, whatever it says where it is', async () => {
    onTestFinished(direct.server.clock.stand())
    const browser = createBrowser(direct.server.url)
    const page = await browser.ask('/signin')
    const { fields } = readForm(page.text, 'sign-in')
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        browser.ask('/signin', {
          form: { ...fields, username: `user${index}`, password: 'wrong' },
          headers: { 'x-forwarded-for': `203.0.113.${index}` },
        }),
      ),
    )
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(4)
    const honest = await browser.ask('/signin', {
      form: { ...fields, username: 'ada', password },
      headers: { 'x-forwarded-for': '203.0.113.99' },
    })
    expect(honest.status).toBe(429)
    direct.server.clock.advance(3_600)
    expect((await browser.ask('/signin', { form: { ...fields, username: 'ada', password } })).status).toBe(303)
    const addresses = new Set(
      (await eventsOf(direct.server)).flatMap(({ type, address }) =>
        String(type).startsWith('signin.') ? [address] : [],
      ),
    )
    expect([...addresses]).toEqual(['127.0.0.1'])
  })
})

describe('G13 header-variants: a client that works on this machine alone is shut by any mark of a proxy', () => {
  const form = { grant_type: 'password', client_id: 'local', username: 'ada', password, scope: 'openid' }
  const marks = [
    'X-Forwarded-For: 127.0.0.1',
    'X_Forwarded_For: 127.0.0.1',
    'x_FORWARDED-for: 127.0.0.1',
    'X-Forwarded-Host: localhost',
    'X-Forwarded-Anything: 1',
    'X_Forwarded_User: ada',
    'Forwarded: for=127.0.0.1',
    'Via: 1.1 proxy',
    'X-Real-IP: 127.0.0.1',
    'X_Real_IP: ::1',
    'CF-Connecting-IP: 127.0.0.1',
    'True-Client-IP: 127.0.0.1',
    'X-Original-URL: /',
    'CDN-Loop: x',
    'Forwarded-For: 127.0.0.1',
    'Fly-Client-IP: 127.0.0.1',
    'DO-Connecting-IP: 127.0.0.1',
    'WL-Proxy-Client-IP: 127.0.0.1',
    'Ali_CDN_Real_IP: 127.0.0.1',
    'X-NF-Client-Connection-IP: 127.0.0.1',
    'Forwarded: ',
    'X-Forwarded-For:',
  ]

  test('every spelling', async () => {
    await direct.server.makeClient({
      client_id: 'local',
      redirect_uris: [],
      token_endpoint_auth_method: 'none',
      grant_types: ['password'],
      legacy: ['password'],
      loopback_only: true,
      scope: 'openid',
    })
    const honest = await createBrowser(direct.server.url).ask('/oauth/token', { form })
    expect(honest.status, honest.text).toBe(200)
    const body = new URLSearchParams(form).toString()
    const head = `POST /oauth/token HTTP/1.1\r\nHost: localhost:${direct.server.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\nConnection: close\r\n`
    for (const mark of marks) {
      const answer = await attack(direct, () => sendRaw(direct.server.port, `${head}${mark}\r\n\r\n${body}`, 5_000))
      expect(statusOf(answer), mark).toBe(401)
      expect(answer.text, mark).toContain('invalid_client')
    }
  })

  test('and where a proxy is configured it never works, because everybody may be behind it', async () => {
    await behind.server.makeClient({
      client_id: 'local',
      redirect_uris: [],
      token_endpoint_auth_method: 'none',
      grant_types: ['password'],
      legacy: ['password'],
      loopback_only: true,
      scope: 'openid',
    })
    const answer = await attack(behind, () => createBrowser(behind.server.url).ask('/oauth/token', { form }))
    expect(answer.status).toBe(401)
  })
})

describe('G14 proto-spoof: https is what the configuration says', () => {
  const spoofs: readonly Readonly<Record<string, string>>[] = [
    { 'x-forwarded-proto': 'http' },
    {
      'x-forwarded-proto': 'http',
      'x-forwarded-ssl': 'off',
      'front-end-https': 'off',
      'x-forwarded-scheme': 'http',
      'x-url-scheme': 'http',
    },
    { forwarded: 'proto=http;host=evil.example' },
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-port': '80' },
  ]

  test.each(spoofs)('%j', async (headers) => {
    for (const house of [behind, untrusted]) {
      const issuer = house.server.core.issuer
      const browser = createBrowser(house.server.url, headers)
      const page = await attack(
        house,
        async () => follow(house.server, browser, await browser.ask(authorizeUrl(house.app, { prompt: 'consent' }))),
        { writes: ['interaction'] },
      )
      const signedIn = await submit(browser, page, 'sign-in', { username: 'ada', password })
      for (const line of [...page.headers.getSetCookie(), ...signedIn.headers.getSetCookie()]) {
        expect(line).toMatch(/^__Host-gatehouse-(?:browser|device|session)=[^;]+; Path=\/;/)
        expect(line).toMatch(/; Secure$/)
        expect(line).toMatch(/; HttpOnly; SameSite=Lax/)
        expect(line).not.toMatch(/domain/i)
      }
      const consent = await follow(house.server, browser, signedIn)
      const back = await submit(browser, consent, 'consent', { decision: 'allow' })
      expect(new URL(back.location ?? '').searchParams.get('iss')).toBe(issuer)
      expect(back.location).not.toContain('evil')
      const metadata = (await browser.ask('/.well-known/openid-configuration')).json()
      expect(metadata['issuer']).toBe(issuer)
      expect(JSON.stringify(metadata)).not.toMatch(/http:\/\/|evil/)
      expect((await browser.ask('/')).headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
      await submitLogout(house, browser)
    }
  })

  async function submitLogout(house: House, browser: ReturnType<typeof createBrowser>): Promise<void> {
    const page = await browser.ask('/oauth/logout')
    // The page's own origin is the issuer's, whatever a proxy says.
    const { fields } = readForm(page.text, 'sign-out')
    const foreign = await browser.ask('/oauth/logout', { form: fields, headers: { origin: house.server.url } })
    expect(errorOf(foreign.text)).toBe('access_denied')
    const own = await browser.ask('/oauth/logout', { form: fields, headers: { origin: house.server.core.issuer } })
    expect(own.text).toContain('id="signed-out"')
  }
})

describe('G17 cookie-tossing: on https only __Host- names count', () => {
  test("what a subdomain, or plain http, can put into the browser's jar is nobody's session and no form's browser", async () => {
    const { server } = untrusted
    const browser = createBrowser(server.url)
    await submit(browser, await browser.ask('/signin'), 'sign-in', { username: 'ada', password })
    expect([...browser.cookies.keys()].toSorted()).toEqual([
      '__Host-gatehouse-browser',
      '__Host-gatehouse-device',
      '__Host-gatehouse-session',
    ])
    const session = browser.cookies.get('__Host-gatehouse-session') ?? ''
    expect((await browser.ask('/account')).status).toBe(200)
    for (const name of [
      'gatehouse-session',
      '__Secure-gatehouse-session',
      '__host-gatehouse-session',
      '__HOST-gatehouse-session',
      '__Host-Gatehouse-Session',
      ' __Host-gatehouse-session ;x',
      'sid',
    ]) {
      const answer = await attack(
        untrusted,
        () =>
          sendRaw(
            server.port,
            `GET /account HTTP/1.1\r\nHost: localhost:${server.port}\r\nCookie: ${name}=${session}\r\nConnection: close\r\n\r\n`,
          ),
        {},
      )
      expect(statusOf(answer), name).toBe(303)
    }
    const tossed = createBrowser(server.url)
    const page = await tossed.ask('/signin')
    const { fields } = readForm(page.text, 'sign-in')
    const value = tossed.cookies.get('__Host-gatehouse-browser') ?? ''
    tossed.cookies.clear()
    tossed.cookies.set('gatehouse-browser', value)
    const refused = await attack(untrusted, () =>
      tossed.ask('/signin', { form: { ...fields, username: 'ada', password } }),
    )
    expect({ status: refused.status, error: errorOf(refused.text) }).toEqual({ status: 403, error: 'access_denied' })
    // A tossed one beside the real one changes nothing.
    const both = await browser.ask('/account', {
      headers: { cookie: `gatehouse-session=evil; __Host-gatehouse-session=${session}` },
    })
    expect(both.status).toBe(200)
  })
})

test('the honest client works at all three', async () => {
  for (const { server, app } of [direct, behind, untrusted]) {
    expect((await tokenRequest(server, app, { grant_type: 'client_credentials' })).status).toBe(200)
  }
})
