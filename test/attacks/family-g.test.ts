import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routesOf } from '../../src/server/routes.ts'
import { printFormToken } from '../../src/tokens/csrf.ts'
import { readSessionHandle } from '../../src/tokens/session-handle.ts'
import { printToken } from '../../src/tokens/token-text.ts'
import { createBrowser, formBody, readForm, type Answer, type Browser, type Form } from '../kit/browser.ts'
import { breakages, breakStore } from '../kit/break-store.ts'
import { authorizeUrl, claimsOf, codeFlow, follow, park, submit, tokenRequest, type Tokens } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { payloads } from '../pages/hostile.ts'
import { scanHtml } from '../pages/scan-html.ts'
import { sendRaw, statusOf } from '../server/support/raw.ts'
import { attack, expectAlive, expectPage, stateOf, type House } from './support.ts'

let server: TestGatehouse
let house: House
let app: MadeClient
/** Signed in as ada, who has agreed to `app`. */
let ada: Browser
let tokens: Tokens

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { role: 'superuser' })
  await server.makeUser('bob')
  app = await server.makeClient({ scope: 'openid profile email offline_access read write admin' })
  const flow = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile offline_access admin' } })
  ada = flow.browser
  tokens = flow.tokens
  house = { server, app, secrets: [password, app.secret, tokens.refresh_token, ...ada.cookies.values()] }
})
afterAll(() => server.close())

const sessionCookie = 'gatehouse-session'
const browserCookie = 'gatehouse-browser'

/** A browser that is signed in as ada without another hash: the same cookies, in a jar of its own. */
function asAda(): Browser {
  const browser = createBrowser(server.url)
  for (const [name, value] of ada.cookies) browser.cookies.set(name, value)
  return browser
}

async function parkedAt(browser: Browser, extra: Readonly<Record<string, string>>): Promise<Answer> {
  return follow(server, browser, await browser.ask(authorizeUrl(app, extra)))
}

function sessionOf(browser: Browser): string {
  return readSessionHandle(server.core.keys, browser.cookies.get(sessionCookie) ?? '')?.recordId ?? ''
}

function idOf(page: Answer): string {
  return /name="interaction" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
}

describe('family G: forms come from our own page in the same browser', () => {
  type Prepared = { readonly browser: Browser; readonly form: Form; readonly fields: Readonly<Record<string, string>> }
  const forms: Readonly<Record<string, () => Promise<Prepared>>> = {
    'G02 login-CSRF: sign-in': async () => {
      const browser = createBrowser(server.url)
      const page = await browser.ask('/signin')
      return { browser, form: readForm(page.text, 'sign-in'), fields: { username: 'ada', password } }
    },
    'G02 login-CSRF: sign-in for a parked request': async () => {
      const browser = createBrowser(server.url)
      const page = await parkedAt(browser, {})
      return { browser, form: readForm(page.text, 'sign-in'), fields: { username: 'ada', password } }
    },
    'B26 consent': async () => {
      const browser = asAda()
      return {
        browser,
        form: readForm((await parkedAt(browser, { prompt: 'consent' })).text, 'consent'),
        fields: { decision: 'allow' },
      }
    },
    'continue as': async () => {
      const browser = asAda()
      const page = await parkedAt(browser, { prompt: 'select_account' })
      return { browser, form: readForm(page.text, 'continue'), fields: { decision: 'continue' } }
    },
    'G05 logout-CSRF: sign-out': async () => {
      const browser = asAda()
      return { browser, form: readForm((await browser.ask('/oauth/logout')).text, 'sign-out'), fields: {} }
    },
  }
  const signs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'Origin: https://evil.example': { origin: 'https://evil.example' },
    'an opaque origin that vouches for nothing': { origin: 'null' },
    'an opaque origin from elsewhere': { origin: 'null', 'sec-fetch-site': 'cross-site' },
    'Sec-Fetch-Site: cross-site': { 'sec-fetch-site': 'cross-site' },
    'Sec-Fetch-Site: same-site': { 'sec-fetch-site': 'same-site' },
    'Sec-Fetch-Site: none': { 'sec-fetch-site': 'none' },
    'an unknown site': { 'sec-fetch-site': 'Same-Origin' },
    'the right site, another origin': { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
    'an origin that only begins like ours': { origin: 'http://localhost.evil.example' },
  }

  test.each(Object.entries(forms))('%s', async (_name, prepare) => {
    const { browser, form, fields } = await prepare()
    const send = (values: Readonly<Record<string, string | readonly string[]>>, headers = {}, from = browser) =>
      from.ask(form.action, { form: values, headers })
    const full = { ...form.fields, ...fields }
    const own = browser.cookies.get(browserCookie) ?? ''
    const session = sessionOf(browser)
    const purpose = form.id === 'sign-out' ? 'sign-out' : `${form.action.slice(1)}:${String(full['interaction'] ?? '')}`
    // What is left out below is all that keeps it from being the right one.
    expect(full['csrf']).toBe(printFormToken(server.core.keys, { browser: own, session, purpose }))
    const { csrf: _left, ...without } = full
    const stranger = createBrowser(server.url)
    await stranger.ask('/signin')

    const refused = await attack(house, async () => [
      // No cookies at all: the classic attack.
      await send(full, {}, createBrowser(server.url)),
      await send(without),
      await send({ ...full, csrf: '' }),
      await send({ ...full, csrf: 'x' }),
      await send({ ...full, csrf: `${String(full['csrf']).slice(0, -1)}!` }),
      // Of this browser, for something else; of another browser, for this.
      await send({
        ...full,
        csrf: printFormToken(server.core.keys, { browser: own, session, purpose: 'something else' }),
      }),
      await send({
        ...full,
        csrf: printFormToken(server.core.keys, { browser: 'x'.repeat(43), session, purpose }),
      }),
      await send({
        ...full,
        csrf: printFormToken(server.core.keys, { browser: own, session: 'another', purpose }),
      }),
      await send(full, {}, withCookie(browserCookie, stranger.cookies.get(browserCookie) ?? '')),
      ...(await Promise.all(Object.values(signs).map((headers) => send(full, headers)))),
    ])
    for (const [index, answer] of refused.entries()) {
      expect(
        answer.headers.getSetCookie().filter((line) => line.startsWith(`${sessionCookie}=`)),
        `#${index}`,
      ).toEqual([])
      // Without a session cookie the sign-out form has nobody to sign out.
      if (form.id === 'sign-out' && answer.status === 200) expect(answer.text).toContain('id="signed-out"')
      else expectPage(answer, 'access_denied', 403)
    }
    // The same form from the page itself does its work; ada's session is given back where it was signed out.
    const honest = await send(full, { origin: new URL(server.url).origin, 'sec-fetch-site': 'same-origin' })
    expect(honest.status).toBe(form.id === 'sign-out' ? 200 : 303)
    if (form.id === 'sign-out') await signAdaInAgain()
  })

  function withCookie(name: string, value: string): Browser {
    const browser = asAda()
    browser.cookies.set(name, value)
    return browser
  }
})

async function signAdaInAgain(): Promise<void> {
  ada = createBrowser(server.url)
  await submit(ada, await ada.ask('/signin'), 'sign-in', { username: 'ada', password })
}

describe('G03 fixation', () => {
  test('a session that an attacker put into the browser ends when somebody signs in; the new one has another id', async () => {
    const victim = createBrowser(server.url)
    await submit(victim, await victim.ask('/signin'), 'sign-in', { username: 'bob', password })
    const planted = victim.cookies.get(sessionCookie) ?? ''
    await submit(victim, await victim.ask('/signin'), 'sign-in', { username: 'ada', password })
    expect(victim.cookies.get(sessionCookie)).not.toBe(planted)
    const attacker = createBrowser(server.url)
    attacker.cookies.set(sessionCookie, planted)
    expect((await attacker.ask('/account')).location).toBe('/signin')
  })

  test('no link names a session: a handle counts as a cookie alone', async () => {
    const handle = ada.cookies.get(sessionCookie) ?? ''
    const names = ['session', 'session_id', 'sid', 'auth_session_id', 'tab_id', sessionCookie]
    const query = formBody(Object.fromEntries(names.map((name) => [name, handle])))
    const answers = await attack(
      house,
      async () => [
        await createBrowser(server.url).ask(`/account?${query}`),
        await createBrowser(server.url).ask(`/oauth/authorize/resume?${query}`),
        await createBrowser(server.url).ask(`/signin?${query}`),
        await createBrowser(server.url).ask('/account', {
          headers: { authorization: `Bearer ${handle}`, 'x-session': handle },
        }),
      ],
      {},
    )
    expect(answers.map(({ status }) => status)).toEqual([303, 400, 200, 303])
    for (const answer of answers) expect(answer.headers.get('set-cookie') ?? '').not.toContain(sessionCookie)
  })

  test("B28: a request parked in one browser can't be taken up in another, before or after sign-in", async () => {
    const id = idOf(await park(server, createBrowser(server.url), authorizeUrl(app)))
    for (const path of ['/signin', '/consent', '/continue', '/oauth/authorize/resume']) {
      const answer = await attack(house, () => asAda().ask(`${path}?interaction=${id}`))
      expect(answer.status, path).toBe(403)
      expect(answer.location).toBeUndefined()
    }
  })

  test('a request that came by POST belongs to the first browser that follows it', async () => {
    const [, parameters = ''] = authorizeUrl(app).split('?')
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const parked = await createBrowser(server.url).ask('/oauth/authorize', {
      method: 'POST',
      body: parameters,
      headers,
    })
    const first = createBrowser(server.url)
    expect((await first.ask(parked.location ?? '')).status).toBe(303)
    expect((await attack(house, () => asAda().ask(parked.location ?? ''))).status).toBe(403)
  })
})

test('G04 sid-reuse: after another person signed in, an offline token still speaks of its own person and session', async () => {
  const browser = createBrowser(server.url)
  const first = (await codeFlow(server, app, 'ada', { browser })).tokens
  browser.cookies.delete(sessionCookie)
  const second = (await codeFlow(server, app, 'bob', { browser })).tokens
  const refreshed = (
    await tokenRequest(server, app, { grant_type: 'refresh_token', refresh_token: first.refresh_token })
  ).json() as Tokens
  const [before, other, after] = [first, second, refreshed].map(({ id_token }) => claimsOf(id_token))
  expect(after).toMatchObject({ sub: before?.['sub'], sid: before?.['sid'] })
  expect(other?.['sid']).not.toBe(before?.['sid'])
  expect(other?.['sub']).not.toBe(before?.['sub'])
})

test("G05 logout-CSRF: a link, an image, and another person's id_token_hint only bring up a question", async () => {
  const bob = (await codeFlow(server, app, 'bob')).tokens
  const other = (await codeFlow(server, app, 'ada')).tokens
  const asked = [
    {},
    { id_token_hint: bob.id_token },
    { id_token_hint: other.id_token },
    { id_token_hint: tokens.access_token },
    { id_token_hint: 'x' },
    { confirm: 'yes' },
  ]
  const answers = await attack(house, async () => {
    const all: Answer[] = []
    for (const form of asked) {
      all.push(await asAda().ask(`/oauth/logout?${formBody(form)}`))
      if (!('confirm' in form)) all.push(await asAda().ask('/oauth/logout', { form: { ...form, client_id: 'app' } }))
    }
    return all
  })
  for (const answer of answers) {
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('<form id="sign-out"')
  }
  expect((await asAda().ask('/account')).status).toBe(200)
})

describe('G07 CORS', () => {
  const origins = ['https://evil.example', 'null', 'http://localhost', 'https://app.example']

  test('never credentials, never a reflected origin, nothing at all where a cookie or a client secret counts', async () => {
    for (const { method, path, cors } of routesOf(server.core)) {
      for (const origin of origins) {
        const answer = await asAda().ask(path.replaceAll(/:[^/]+/g, 'x'), { method, headers: { origin } })
        const [allowed, credentials] = ['origin', 'credentials'].map((name) =>
          answer.headers.get(`access-control-allow-${name}`),
        )
        expect(credentials, path).toBeNull()
        if (cors === 'public') expect([null, '*'], path).toContain(allowed)
        else expect(allowed, path).toBeNull()
        // The answer is the same for every origin, so no cache needs to know (and none can be fooled).
        if (cors === 'public' && origin !== 'null') expect(allowed, path).toBe('*')
      }
    }
  })

  test('a preflight gets nothing at the authorization endpoint, at pages and at introspection', async () => {
    const headers = {
      origin: 'https://evil.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    }
    for (const path of [
      '/oauth/authorize',
      '/signin',
      '/consent',
      '/continue',
      '/oauth/logout',
      '/oauth/introspect',
      '/account',
      '/api/v1/users',
    ]) {
      const answer = await attack(house, () => createBrowser(server.url).ask(path, { method: 'OPTIONS', headers }))
      expect(answer.status, path).toBe(405)
      expect(
        [...answer.headers.keys()].filter((name) => name.startsWith('access-control-')),
        path,
      ).toEqual([])
    }
  })

  test('an opaque origin is refused its preflight and its answer where anything of a person could be in it', async () => {
    const preflight = await attack(house, () =>
      createBrowser(server.url).ask('/oauth/token', {
        method: 'OPTIONS',
        headers: { origin: 'null', 'access-control-request-method': 'POST' },
      }),
    )
    expect(preflight.status).toBe(403)
    const answers = [
      await createBrowser(server.url).ask('/oauth/userinfo', {
        headers: { origin: 'null', authorization: `Bearer ${tokens.access_token}` },
      }),
      await createBrowser(server.url).ask('/oauth/token', { form: { grant_type: 'x' }, headers: { origin: 'null' } }),
    ]
    for (const answer of answers) expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    const honest = await createBrowser(server.url).ask('/oauth/token', {
      method: 'OPTIONS',
      headers: { origin: 'https://spa.example', 'access-control-request-method': 'POST' },
    })
    expect(honest.status).toBe(204)
    expect(honest.headers.get('access-control-allow-origin')).toBe('*')
  })
})

const forwarded: Readonly<Record<string, string>> = {
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'http',
  'x-forwarded-port': '666',
  'x-forwarded-prefix': '/evil',
  'x-forwarded-scheme': 'http',
  'x-host': 'evil.example',
  'x-original-host': 'evil.example',
  'x-http-host-override': 'evil.example',
  forwarded: 'for=192.0.2.66;host=evil.example;proto=http',
  via: '1.1 evil.example',
}

describe('G08 host-poison: every absolute URL comes from the configured issuer', () => {
  test.each([
    'evil.example',
    'localhost.evil.example',
    'localhost:1',
    'localhost@evil.example',
    'evil.example:PORT',
    'LOCALHOST.:PORT',
    'localhost:PORT:80',
    '',
    '127.0.0.2:PORT',
    '[::ffff:127.0.0.1]:PORT',
  ])('Host: %s', async (host) => {
    for (const path of ['/.well-known/openid-configuration', '/oauth/authorize', '/signin', '/api/v1/me']) {
      const answer = await attack(house, () =>
        sendRaw(
          server.port,
          `GET ${path} HTTP/1.1\r\nHost: ${host.replace('PORT', String(server.port))}\r\nConnection: close\r\n\r\n`,
        ),
      )
      expect([400, 421]).toContain(statusOf(answer))
      expect(answer.text).not.toContain('evil')
    }
  })

  test('forwarding headers change no byte of any answer', async () => {
    const paths = [
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/.well-known/jwks.json',
      '/api/openapi.json',
      '/',
      '/oauth/authorize?client_id=app',
    ]
    for (const path of paths) {
      const [plain, poisoned] = await attack(house, () =>
        Promise.all([createBrowser(server.url).ask(path), createBrowser(server.url, forwarded).ask(path)]),
      )
      expect(poisoned?.status).toBe(plain?.status)
      expect(poisoned?.text).not.toContain('evil')
      if (plain?.status === 200) expect(poisoned?.text).toBe(plain.text)
    }
    const back = await asAda().ask(authorizeUrl(app), { headers: forwarded })
    expect(new URL(back.location ?? '').searchParams.get('iss')).toBe(server.url)
    const page = await createBrowser(server.url, forwarded).ask(authorizeUrl(app))
    expect(readForm(page.text, 'sign-in').action).toBe('/signin')
    expect(page.text).not.toContain('evil')
  })
})

test('G09 cache-poison: bytes and headers of documents depend on nothing in the request', async () => {
  const varied: readonly Readonly<Record<string, string>>[] = [
    {},
    forwarded,
    { 'x-http-method-override': 'DELETE', 'x-method-override': 'POST', 'x-http-method': 'PUT' },
    { 'accept-language': 'de', 'user-agent': 'evil', referer: 'https://evil.example' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { cookie: `${sessionCookie}=x`, authorization: 'Bearer x' },
    { accept: 'text/html' },
    { 'accept-encoding': 'gzip' },
    { range: 'bytes=0-1' },
  ]
  for (const path of [
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
    '/.well-known/jwks.json',
    '/api/openapi.json',
  ]) {
    for (const query of ['', '?issuer=https://evil.example']) {
      const answers = await attack(house, () =>
        Promise.all(varied.map((headers) => createBrowser(server.url).ask(`${path}${query}`, { headers }))),
      )
      const seen = new Set(
        answers.map(({ status, text, headers }) =>
          JSON.stringify([status, text, [...headers].filter(([name]) => name !== 'date')]),
        ),
      )
      expect([...seen], path).toHaveLength(1)
      expect(answers[0]?.status).toBe(200)
      expect(answers[0]?.headers.get('cache-control')).toMatch(/^public/)
    }
  }
})

describe('G11 url-header-bypass, G12 probe-UA, G13 header-variants: no header makes anybody somebody', () => {
  const headers: readonly string[] = [
    ...['X-Original-URI', 'X-Original-URL', 'X-Forwarded-Uri', 'X-Rewrite-URL', 'X-Auth-Request-Redirect'].flatMap(
      (name) => [`${name}: /healthz`, `${name}: /.well-known/openid-configuration`],
    ),
    ...['GoogleHC/1.0', 'kube-probe/1.30', 'ELB-HealthChecker/2.0', 'Prometheus/3'].map(
      (agent) => `User-Agent: ${agent}`,
    ),
    ...[
      'X-Forwarded-User',
      'X_Forwarded_User',
      'x-forwarded-USER',
      'Remote-User',
      'X-Remote-User',
      'X-Auth-Request-User',
      'X-Auth-Request-Email',
      'X-WEBAUTH-USER',
      'X-Forwarded-Email',
      'From',
    ].map((name) => `${name}: ada`),
    'X-Forwarded-Access-Token: TOKEN',
    'X-Access-Token: TOKEN',
    'X_Authorization: Bearer TOKEN',
    'Proxy-Authorization: Bearer TOKEN',
    'Client-Cert: :MIIC:',
    'X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-S-DN: CN=app',
    'X-Forwarded-For: 127.0.0.1',
    'X-HTTP-Method-Override: GET',
  ]
  const protectedRoutes = [
    'GET /account',
    'GET /oauth/userinfo',
    'GET /api/v1/me',
    'GET /api/v1/users',
    'POST /oauth/introspect',
  ]

  test('at every protected route the answer is the one without it', async () => {
    const ask = async (route: string, extra: string) => {
      const [method = '', path = ''] = route.split(' ')
      const form = method === 'POST' ? 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n' : ''
      const { text } = await sendRaw(
        server.port,
        `${method} ${path} HTTP/1.1\r\nHost: localhost:${server.port}\r\n${form}${extra}Connection: close\r\n\r\n${form === '' ? '' : 'token=x'}`,
        5_000,
      )
      return { text: text.replace(/\r\nDate: [^\r]*/, '') }
    }
    for (const route of protectedRoutes) {
      const plain = await ask(route, '')
      expect([303, 401]).toContain(statusOf({ ...plain, closed: true }))
      const answers = await attack(house, () =>
        Promise.all(headers.map((line) => ask(route, `${line.replace('TOKEN', tokens.access_token)}\r\n`))),
      )
      for (const [index, answer] of answers.entries()) expect(answer.text, headers[index]).toBe(plain.text)
    }
  })

  test('two of a header that says who asks are no header but an error', async () => {
    const bearer = `Authorization: Bearer ${tokens.access_token}\r\n`
    const twice = [
      `${bearer}${bearer}`,
      `${bearer}authorization: Bearer x\r\n`,
      `Host: localhost:${server.port}\r\n`,
      'Origin: null\r\nOrigin: null\r\n',
      'Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n',
    ]
    for (const lines of twice) {
      const answer = await attack(house, () =>
        sendRaw(
          server.port,
          `GET /oauth/userinfo HTTP/1.1\r\nHost: localhost:${server.port}\r\n${lines}Connection: close\r\n\r\n`,
        ),
      )
      expect(statusOf(answer), lines).toBe(400)
    }
  })
})

describe('G15 reflected-XSS: what is shown is text', () => {
  const sent = payloads.filter(
    (text) => !/[\0-\x1f\ud800]/.test(text) && text.isWellFormed() && text.length > 6 && text.length < 200,
  )

  test('in every parameter of every page', async () => {
    const client = await server.makeClient({
      client_id: 'plain',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
    })
    for (const text of sent) {
      const everything = Object.fromEntries(
        [
          'error',
          'error_description',
          'error_hint',
          'error_uri',
          'message',
          'username',
          'lang',
          'interaction',
          'id_token_hint',
          'post_logout_redirect_uri',
          'return_to',
        ].map((name) => [name, text]),
      )
      const signIn = createBrowser(server.url)
      const pages = await attack(
        house,
        async () => [
          await createBrowser(server.url).ask(`/?${formBody(everything)}`),
          await createBrowser(server.url).ask(`/signin?${formBody({ ...everything, interaction: '' })}`),
          await createBrowser(server.url).ask(`/oauth/authorize?${formBody({ ...everything, client_id: text })}`),
          await createBrowser(server.url).ask(
            `/oauth/authorize?${formBody({ ...everything, client_id: 'app', redirect_uri: text })}`,
          ),
          await createBrowser(server.url).ask(`/consent?${formBody(everything)}`),
          await asAda().ask(`/oauth/logout?${formBody({ ...everything, state: text })}`),
          await follow(
            server,
            signIn,
            await signIn.ask(
              authorizeUrl(client, { login_hint: text, ui_locales: text, acr_values: text, scope: 'openid' }),
            ),
          ),
        ],
        { writes: ['interaction'] },
      )
      for (const page of pages) expectHarmless(page, text)
    }
  })

  test('the user name typed before a wrong password, and the state in a form that posts it', async () => {
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    for (const text of sent.slice(0, 6)) {
      expectHarmless(await submit(browser, page, 'sign-in', { username: text, password: 'wrong wrong' }), text)
    }
    for (const text of sent) {
      const form = await asAda().ask(authorizeUrl(app, { response_mode: 'form_post', state: text }))
      expect(form.status).toBe(200)
      expect(readForm(form.text, 'form-post').fields['state']).toBe(text)
      expectHarmless(form, text, 1)
    }
  })

  test('names of clients and people', async () => {
    for (const [index, text] of sent.slice(0, 12).entries()) {
      const made = await server
        .makeClient({
          client_id: `named-${index}`,
          client_name: text,
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code'],
          scope: 'openid',
        })
        .catch(() => undefined)
      if (made === undefined) continue
      const browser = asAda()
      expectHarmless(await follow(server, browser, await browser.ask(authorizeUrl(made, { scope: 'openid' }))), text)
    }
  })

  /** Parses as a strict reader would; no tag, attribute or script comes from outside, and the policy stands. */
  function expectHarmless(answer: Answer, text: string, scripts = 0): void {
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/)
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^ ]+'; /)
    expect(policy).not.toContain('unsafe')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    const { tags } = scanHtml(answer.text)
    const foreign = tags.filter(
      ({ name, closing, attributes }) => name === 'script' && !closing && attributes.get('src') !== '/passkey.js',
    )
    expect(foreign).toHaveLength(scripts)
    for (const { name, attributes } of tags) {
      expect(['base', 'iframe', 'object', 'embed', 'img']).not.toContain(name)
      for (const [attribute, value] of attributes) {
        expect(attribute).not.toMatch(/^on|^style$/)
        if (['href', 'action', 'src', 'formaction'].includes(attribute))
          expect(value, text).not.toMatch(/^\s*(?:javascript|data:text|vbscript):/i)
      }
    }
  }
})

describe('G17 cookie-tossing, G18 token-as-cookie, G19 expired-cookie-page: only one live session cookie is a session', () => {
  test.each(['two sessions', 'ours and garbage', 'garbage and ours', 'empty and ours'])(
    'G17 duplicates: %s',
    async (which) => {
      const own = `${sessionCookie}=${ada.cookies.get(sessionCookie)}`
      const cookie = {
        'two sessions': `${own}; ${own}`,
        'ours and garbage': `${own}; ${sessionCookie}=evil`,
        'garbage and ours': `${sessionCookie}=evil; ${own}`,
        'empty and ours': `${sessionCookie}=; ${own}`,
      }[which]
      const answer = await attack(house, () =>
        sendRaw(
          server.port,
          `GET /account HTTP/1.1\r\nHost: localhost:${server.port}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
        ),
      )
      expect(statusOf(answer)).toBe(303)
      // The same in two header lines.
      const [first = '', second = ''] = cookie?.split('; ') ?? []
      const lines = await sendRaw(
        server.port,
        `GET /account HTTP/1.1\r\nHost: localhost:${server.port}\r\nCookie: ${first}\r\nCookie: ${second}\r\nConnection: close\r\n\r\n`,
      )
      expect(statusOf(lines)).toBe(303)
      expect((await asAda().ask('/account')).status).toBe(200)
    },
  )

  test('G18: no token of another kind, and no near miss of the cookie itself, is a session', async () => {
    const own = ada.cookies.get(sessionCookie) ?? ''
    // Another MAC, and the checksum that fits: a checksum proves nothing.
    const body = own.slice('gth_ss_00000000_'.length)
    const edited = printToken('ss', `${body.slice(0, -20)}${body.at(-20) === 'A' ? 'B' : 'A'}${body.slice(-19)}`)
    const wrong = [
      edited,
      tokens.access_token,
      tokens.id_token,
      tokens.refresh_token,
      own.slice(0, -1),
      `${own}A`,
      own.toUpperCase(),
      ada.cookies.get(browserCookie) ?? '',
      '',
      'true',
      '[object Object]',
      `"${own}"`,
      encodeURIComponent(`${own} `),
    ]
    const answers = await attack(
      house,
      () =>
        Promise.all(
          wrong.map((value) =>
            createBrowser(server.url).ask('/account', { headers: { cookie: `${sessionCookie}=${value}` } }),
          ),
        ),
      { secrets: [tokens.access_token, tokens.id_token] },
    )
    for (const [index, answer] of answers.entries()) {
      expect({ status: answer.status, location: answer.location }, String(index)).toEqual({
        status: 303,
        location: '/signin',
      })
    }
    // And the other way round: the session's handle opens no API.
    for (const path of ['/oauth/userinfo', '/api/v1/me']) {
      expect((await createBrowser(server.url).ask(path, { headers: { authorization: `Bearer ${own}` } })).status).toBe(
        401,
      )
    }
  })

  test('G19: an expired or ended session is the logged-out view', async () => {
    const browser = createBrowser(server.url)
    await submit(browser, await browser.ask('/signin'), 'sign-in', { username: 'bob', password })
    const handle = browser.cookies.get(sessionCookie) ?? ''
    expect((await browser.ask('/')).text).toContain('bob')
    await submit(browser, await browser.ask('/oauth/logout'), 'sign-out', {})
    expect(browser.cookies.has(sessionCookie)).toBe(false)
    await expectLoggedOut(handle)
    const later = createBrowser(server.url)
    await submit(later, await later.ask('/signin'), 'sign-in', { username: 'bob', password })
    const idle = later.cookies.get(sessionCookie) ?? ''
    server.clock.advance(400 * 24 * 3600)
    await expectLoggedOut(idle)
    await signAdaInAgain()
    tokens = (
      await codeFlow(server, app, 'ada', { browser: ada, extra: { scope: 'openid profile offline_access admin' } })
    ).tokens
  })

  async function expectLoggedOut(handle: string): Promise<void> {
    const headers = { cookie: `${sessionCookie}=${handle}` }
    const [home, account] = await attack(house, () =>
      Promise.all(['/', '/account'].map((path) => createBrowser(server.url).ask(path, { headers }))),
    )
    expect(home?.text).not.toMatch(/[\s>]bob[\s<]/)
    expect({ status: account?.status, location: account?.location }).toEqual({ status: 303, location: '/signin' })
  }
})

describe('G20 fail-open: without its store nobody is anybody', () => {
  test.each(Object.keys(breakages) as (keyof typeof breakages)[])('%s', async (how) => {
    // Whatever the caches hold is a session or client that was alive a moment ago; what must be read can't be.
    const routes = routesOf(server.core).filter(({ access }) => access !== 'public')
    const mend = breakStore(server, how)
    const wrong: string[] = []
    try {
      for (const { method, path, access, kind } of routes) {
        const concrete = path.replaceAll(/:[^/]+/g, 'x')
        const answer = await asAda().ask(
          concrete === '/oauth/authorize' && method === 'GET' ? authorizeUrl(app) : concrete,
          {
            method,
            headers:
              access === 'client'
                ? { authorization: app.basic }
                : access === 'token'
                  ? { authorization: `Bearer ${tokens.access_token}` }
                  : {},
            ...(kind === 'form' ? { form: { grant_type: 'client_credentials', token: tokens.access_token } } : {}),
          },
        )
        // 4xx: a request that is wrong whoever asks (a form without its token, an id that can't be).
        const open = answer.status < 400 && !(answer.status === 303 && answer.location === '/signin')
        if (open || /gth_|eyJ[\w-]+\.|[\s>"]ada[\s<"]/.test(answer.text))
          wrong.push(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 80)}`)
        for (const line of answer.headers.getSetCookie())
          if (line.startsWith(sessionCookie)) wrong.push(`${path} sets a session`)
      }
      for (const [name, path, init] of protectedCalls()) {
        const answer = await asAda().ask(path, init)
        // What isn't a record may as well be read as the record of a revocation.
        if (answer.status < 500 && !(how === 'nonsense' && answer.status === 401))
          wrong.push(`${name}: ${answer.status}`)
      }
    } finally {
      mend()
    }
    expect(wrong).toEqual([])
    for (const [name, path, init] of protectedCalls())
      expect((await asAda().ask(path, init)).status, name).toBeLessThan(400)
    await expectAlive(house)
  })

  function protectedCalls() {
    const bearer = { headers: { authorization: `Bearer ${tokens.access_token}` } }
    return [
      ['the account page', '/account', {}],
      ['the home page', '/', {}],
      ['a silent authorization request', authorizeUrl(app, { prompt: 'none' }), {}],
      ['userinfo', '/oauth/userinfo', bearer],
      [
        'introspection',
        '/oauth/introspect',
        { form: { token: tokens.access_token }, headers: { authorization: app.basic } },
      ],
      [
        'a token',
        '/oauth/token',
        { form: { grant_type: 'client_credentials' }, headers: { authorization: app.basic } },
      ],
      ['the REST API', '/api/v1/me/session', bearer],
      ['a list of the REST API', '/api/v1/users', bearer],
    ] as const
  }
})

describe('G21 empty-POST: the server, not the browser, knows how far a request has come', () => {
  test('an empty body, and one with nothing but its token, pass no step', async () => {
    for (const path of ['/signin', '/continue', '/consent']) {
      for (const form of [
        {},
        { csrf: '' },
        { interaction: '' },
        { decision: 'allow' },
        { username: '', password: '' },
      ]) {
        expectPage(await attack(house, () => asAda().ask(path, { form })), 'access_denied', 403)
      }
    }
    expect((await attack(house, () => asAda().ask('/oauth/logout', { form: {} }))).text).toContain(
      '<form id="sign-out"',
    )
  })

  test('nobody signed in: a perfect POST to consent or continue leads to sign-in', async () => {
    const browser = createBrowser(server.url)
    const id = idOf(await park(server, browser, authorizeUrl(app)))
    for (const step of ['consent', 'continue']) {
      const answer = await attack(house, () =>
        browser.ask(`/${step}`, { form: fieldsFor(browser, step, id, { scope: 'openid' }) }),
      )
      expect({ status: answer.status, location: answer.location }).toEqual({
        status: 303,
        location: `/signin?interaction=${id}`,
      })
    }
  })

  test('sign-in with no password, an empty one, or only the token: the form again, no session', async () => {
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    const { fields } = readForm(page.text, 'sign-in')
    for (const form of [
      { ...fields, username: 'ada', password: '' },
      { ...fields, username: 'ada' },
      fields,
    ] as const) {
      const answer = await attack(house, () => browser.ask('/signin', { form }), { writes: ['event'] })
      expect(answer.text).toContain('<form id="sign-in"')
      expect(browser.cookies.has(sessionCookie)).toBe(false)
    }
  })

  test('prompt=login: the steps behind sign-in stay shut, whatever session there is', async () => {
    const browser = asAda()
    const id = idOf(await park(server, browser, authorizeUrl(app, { prompt: 'login consent' })))
    for (const step of ['consent', 'continue']) {
      const answer = await attack(
        house,
        () => browser.ask(`/${step}`, { form: fieldsFor(browser, step, id, { scope: 'openid' }) }),
        { writes: ['interaction'] },
      )
      expect(answer.location).toBe(`/signin?interaction=${id}`)
    }
    for (const path of ['/consent', '/oauth/authorize/resume']) {
      expect((await attack(house, () => browser.ask(`${path}?interaction=${id}`))).location).toBe(
        `/signin?interaction=${id}`,
      )
    }
  })

  test('a request that its sign-in page carries passes no step behind that page', async () => {
    const browser = asAda()
    const text = idOf(await parkedAt(browser, { prompt: 'login consent' }))
    expect(text).toContain('.')
    for (const step of ['consent', 'continue']) {
      const form = fieldsFor(browser, step, text, { scope: 'openid' })
      expect((await attack(house, () => browser.ask(`/${step}`, { form }))).status).toBe(400)
      expect((await attack(house, () => browser.ask(`/${step}?interaction=${text}`))).status).toBe(400)
    }
    expect((await attack(house, () => browser.ask(`/oauth/authorize/resume?interaction=${text}`))).status).toBe(400)
  })

  test('a finished step cannot be done again: the second answer to consent makes nothing', async () => {
    const browser = asAda()
    const page = await parkedAt(browser, { prompt: 'consent' })
    const first = await submit(browser, page, 'consent', { decision: 'allow' })
    expect(first.location).toContain('code=')
    const second = await attack(house, () => submit(browser, page, 'consent', { decision: 'allow' }))
    expect({ status: second.status, location: second.location }).toEqual({ status: 400, location: undefined })
    const signIn = createBrowser(server.url)
    const form = await parkedAt(signIn, {})
    const done = await follow(server, signIn, await submit(signIn, form, 'sign-in', { username: 'ada', password }))
    expect(done.location).toContain('code=')
    const id = idOf(form)
    expect((await attack(house, () => signIn.ask(`/oauth/authorize/resume?interaction=${id}`))).status).toBe(400)
  })

  function fieldsFor(browser: Browser, step: string, id: string, more: Readonly<Record<string, string>>) {
    const place = { browser: browser.cookies.get(browserCookie) ?? '', session: sessionOf(browser) }
    const csrf = printFormToken(server.core.keys, { ...place, purpose: `${step}:${id}` })
    return { csrf, interaction: id, decision: step === 'consent' ? 'allow' : 'continue', ...more }
  }
})

describe('G22 crash-URL: nonsense is 4xx', () => {
  const targets = [
    '/signin?return_to=%',
    '/signin?return_to=http://[',
    '/signin?interaction=%',
    '/oauth/authorize?%',
    '/oauth/authorize?client_id=%ff',
    '/oauth/authorize?redirect_uri=http://[&client_id=app',
    '/oauth/logout?post_logout_redirect_uri=%zz',
    '/%',
    '/%ff',
    '/..%',
    '/consent?interaction=%00',
    '/oauth/authorize/resume?interaction=../../x',
    `/oauth/authorize?${'a=1&'.repeat(100)}`,
    '/api/v1/users/%',
    '/api/v1/users?limit=%',
    '/?%',
    '/oauth/authorize??????',
    '/oauth/authorize?=',
    '/oauth/authorize?&&&',
  ]
  const credentials = [
    '',
    'Bearer',
    'Bearer ',
    'Basic',
    'Basic ====',
    'Basic Og==',
    'Digest username="',
    'Bearer =',
    'Bearer \u00ff',
    ', ,',
    'Bearer eyJhbGciOiJub25lIn0..',
    'Bearer gth_at_',
    'Bearer gth_rt_000000_',
    'Basic %',
  ]

  test.each(targets)('GET %s', async (target) => {
    const answer = await attack(
      house,
      () =>
        sendRaw(server.port, `GET ${target} HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: close\r\n\r\n`),
      { writes: ['interaction'] },
    )
    // A page that asks nothing of its query may show itself.
    expect(statusOf(answer) === 200 ? target : String(statusOf(answer))).toMatch(/^4\d\d$|^\/(?:signin)?\?/)
  })

  test.each(credentials)('Authorization: %j', async (value) => {
    for (const [path, form] of [
      ['/oauth/userinfo', undefined],
      ['/api/v1/me', undefined],
      ['/oauth/token', { grant_type: 'client_credentials' }],
      ['/oauth/introspect', { token: 'x' }],
      ['/oauth/revoke', { token: 'x' }],
    ] as const) {
      const body = form === undefined ? '' : formBody(form)
      const head = `${form === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: ${value}\r\n`
      const type =
        form === undefined
          ? ''
          : `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n`
      const answer = await attack(house, () => sendRaw(server.port, `${head}${type}Connection: close\r\n\r\n${body}`))
      expect([400, 401], path).toContain(statusOf(answer))
    }
  })

  test.each([
    '',
    '=',
    ';;;',
    '=x',
    'a',
    sessionCookie,
    `${sessionCookie}=%`,
    `${sessionCookie}=gth_`,
    'a=b'.repeat(4_000),
    `${browserCookie}=\u00ff`,
    '__proto__=x',
    `constructor=x; ${sessionCookie}=constructor`,
  ])('Cookie: %s', async (cookie) => {
    const answer = await attack(house, () =>
      sendRaw(
        server.port,
        `GET /account HTTP/1.1\r\nHost: localhost:${server.port}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
      ),
    )
    expect([303, 400, 431]).toContain(statusOf(answer))
  })
})

test('no page may be kept: every answer to a browser says no-store (G24), no-referrer and frame-ancestors none', async () => {
  const pages = [
    '/',
    '/signin',
    '/account',
    '/oauth/logout',
    '/oauth/authorize',
    '/consent',
    '/continue',
    '/oauth/authorize/resume',
    authorizeUrl(app, { prompt: 'consent' }),
    authorizeUrl(app),
    authorizeUrl(app, { response_mode: 'form_post' }),
  ]
  for (const path of pages) {
    for (const browser of [asAda(), createBrowser(server.url)]) {
      const answer = await browser.ask(path)
      expect(answer.headers.get('cache-control'), path).toBe('no-store')
      expect(answer.headers.get('referrer-policy'), path).toBe('no-referrer')
      if (answer.text !== '')
        expect(answer.headers.get('content-security-policy'), path).toContain("frame-ancestors 'none'")
    }
  }
})

test('what was written by all this is what honest people wrote: no session, grant or consent of anybody else', async () => {
  const owners = new Set(
    Object.entries(await stateOf(server)).flatMap(([key, value]) =>
      /^(?:session|grant|consent) /.test(key)
        ? [(JSON.parse(value) as { value: { userId: string } }).value.userId]
        : [],
    ),
  )
  expect(owners.size).toBe(2)
})
