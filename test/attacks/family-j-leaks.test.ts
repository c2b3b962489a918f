import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Route } from '../../src/server/route.ts'
import { routesOf } from '../../src/server/routes.ts'
import { createBrowser, formBody, readForm, type Answer } from '../kit/browser.ts'
import { breakages, breakStore } from '../kit/break-store.ts'
import { authorizeUrl, codeFlow, follow, submit, tokenRequest, verifier, type Tokens } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { sendRaw } from '../server/support/raw.ts'
import { expectNoSecret, inTurn, stateOf } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let old: MadeClient
let tokens: Tokens
let opaque: string
let code: string
let session: string
let browserCookie: string
let routes: readonly Route[]
/** Every kind of secret there is, by what it is called. */
let canaries: Readonly<Record<string, string>>

const wrongPassword = 'CANARY-wrong-password-8f2c'
const wrongSecret = 'CANARY-wrong-client-secret-77aa'
const newPassword = 'CANARY new password of somebody 5d1e'

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { role: 'superuser' })
  await server.makeResource({ resource: 'https://api.example', scope: 'read', access_token: { format: 'opaque' } })
  app = await server.makeClient({ scope: 'openid profile email offline_access read write admin me' })
  old = await server.makeClient({
    client_id: 'old',
    grant_types: ['password', 'refresh_token'],
    redirect_uris: [],
    legacy: ['password'],
    scope: 'openid',
  })
  await server.makeClient({
    client_id: 'jwt',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] },
  })
  const flow = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile offline_access admin me' } })
  tokens = flow.tokens
  code = flow.code
  session = flow.browser.cookies.get('gatehouse-session') ?? ''
  browserCookie = flow.browser.cookies.get('gatehouse-browser') ?? ''
  opaque = String(
    (
      await tokenRequest(server, app, {
        grant_type: 'client_credentials',
        resource: 'https://api.example',
        scope: 'read',
      })
    ).json()['access_token'],
  )
  routes = routesOf(server.core)
  canaries = {
    password,
    wrongPassword,
    newPassword,
    clientSecret: app.secret,
    otherSecret: old.secret,
    wrongSecret,
    code,
    verifier,
    refreshToken: tokens.refresh_token,
    accessToken: tokens.access_token,
    opaqueToken: opaque,
    idToken: tokens.id_token,
    sessionCookie: session,
    browserCookie,
    assertion: assertion(),
    wrongAssertion: assertion('x'),
    csrf: String(readForm((await flow.browser.ask('/signin')).text, 'sign-in').fields['csrf']),
  }
  expect(opaque).toMatch(/^gth_at_/)
})
afterAll(() => server.close())

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function assertion(issuer = 'jwt'): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${part({ alg: 'ES256', kid: 'k1' })}.${part({ iss: issuer, sub: issuer, aud: server.url, exp: now + 60, jti: randomBytes(8).toString('hex') })}`
  return `${input}.${createSign('sha256').update(input).sign({ key: pair.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const types = {
  form: 'application/x-www-form-urlencoded',
  json: 'application/json',
  none: '',
  stream: 'application/octet-stream',
} as const

function ask(
  route: Route,
  init: {
    readonly query?: string
    readonly body?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly id?: string
  } = {},
): Promise<Answer> {
  const path = route.path.replaceAll(/:[^/]+/g, encodeURIComponent(init.id ?? 'x'))
  return createBrowser(server.url).ask(`${path}${init.query === undefined ? '' : `?${init.query}`}`, {
    method: route.method,
    headers: { ...(init.body === undefined ? {} : { 'content-type': types[route.kind] }), ...init.headers },
    ...(init.body === undefined ? {} : { body: init.body }),
  })
}

/** What an answer may hold of a secret: a token to the one it was made for. Errors and pages hold none. */
function isRefusal(answer: Answer): boolean {
  return answer.status >= 400 || answer.headers.get('content-type')?.startsWith('text/html') === true
}

async function expectNoCanary(answers: readonly Answer[]): Promise<void> {
  const fresh = answers
    .filter(({ status, text }) => status === 200 && text.startsWith('{'))
    .flatMap(({ json }) =>
      Object.entries(json()).flatMap(([name, value]) =>
        /_token$|_secret$/.test(name) && typeof value === 'string' ? [value] : [],
      ),
    )
  const secrets = [...Object.values(canaries), ...fresh]
  await expectNoSecret(server, secrets)
  for (const answer of answers.filter(isRefusal)) await expectNoSecretIn(answer, secrets)
}

async function expectNoSecretIn(answer: Answer, secrets: readonly string[]): Promise<void> {
  const text = `${answer.text} ${JSON.stringify([...answer.headers].filter(([name]) => name !== 'set-cookie'))}`
  const found = secrets.find((secret) => text.includes(secret) || text.includes(encodeURIComponent(secret)))
  // The page's own form carries the token that binds it to the browser.
  if (found !== undefined && found !== canaries['csrf'])
    expect.fail(
      `a ${answer.status} holds ${Object.entries(canaries).find(([, value]) => value === found)?.[0] ?? 'a fresh secret'}`,
    )
}

describe('J15 log-leak: no secret in log, event, metric, error or store, whatever happens to the request that carries it', () => {
  test('in the wrong field: a password typed as a name, a token as a client id, a secret as a scope', async () => {
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    for (const secret of [password, wrongPassword]) {
      const shown = await submit(browser, page, 'sign-in', { username: secret.replaceAll(' ', ''), password: secret })
      expect(shown.text).toContain('<form id="sign-in"')
    }
    await expectNoSecret(server, [password.replaceAll(' ', ''), wrongPassword, password])
  })

  test('the whole of every grant, right and wrong, and every call that takes or makes a secret', async () => {
    const basic = { authorization: app.basic }
    const client = (form: Readonly<Record<string, string>>) => tokenRequest(server, app, form)
    const bearer = { authorization: `Bearer ${tokens.access_token}` }
    const json = (path: string, method: string, body: unknown) =>
      createBrowser(server.url).ask(path, {
        method,
        body: JSON.stringify(body),
        headers: { ...bearer, 'content-type': 'application/json' },
      })
    const answers = [
      await tokenRequest(server, old, { grant_type: 'password', username: 'ada', password }),
      await tokenRequest(server, old, { grant_type: 'password', username: 'ada', password: wrongPassword }),
      await client({ grant_type: 'client_credentials' }),
      await createBrowser(server.url).ask('/oauth/token', {
        form: { grant_type: 'client_credentials', client_id: 'app', client_secret: wrongSecret },
      }),
      await createBrowser(server.url).ask('/oauth/token', {
        form: { grant_type: 'client_credentials', client_id: 'app', client_secret: app.secret },
      }),
      await createBrowser(server.url).ask('/oauth/token', {
        form: { grant_type: 'client_credentials', client_secret: app.secret, client_id: 'app' },
        headers: basic,
      }),
      ...(await inTurn([canaries['assertion'], canaries['assertion'], canaries['wrongAssertion']], (one = '') =>
        createBrowser(server.url).ask('/oauth/token', {
          form: {
            grant_type: 'client_credentials',
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: one,
          },
        }),
      )),
      await createBrowser(server.url).ask('/oauth/introspect', { form: { token: opaque }, headers: basic }),
      await createBrowser(server.url).ask('/oauth/userinfo', { headers: bearer }),
      await json('/api/v1/users', 'POST', { username: 'eve', password: newPassword }),
      await json('/api/v1/users', 'POST', { username: 'eve', password: newPassword }),
      await json('/api/v1/me/password', 'POST', { current_password: wrongPassword, new_password: newPassword }),
      await json('/api/v1/clients', 'POST', { client_id: 'made', redirect_uris: ['https://made.example/cb'] }),
      await json('/api/v1/clients/made/secret', 'POST', {}),
      await createBrowser(server.url).ask('/api/v1/clients/made', { headers: bearer }),
      await client({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
      await client({ grant_type: 'authorization_code', code, code_verifier: 'x'.repeat(43) }),
      await client({ grant_type: 'authorization_code', code, code_verifier: verifier }),
    ]
    // Right ones and wrong ones: each kind of answer was there to leak.
    expect(answers.map(({ status }) => status)).toEqual([
      200, 400, 200, 401, 401, 400, 200, 401, 401, 200, 200, 201, 409, 400, 201, 201, 200, 200, 400, 400,
    ])
    await expectNoCanary(answers)
    // The last is the replay of a used code: what the flow made is revoked, and so are its tokens.
    const flow = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile offline_access admin me' } })
    tokens = flow.tokens
  })

  test.each(Object.keys(breakages) as (keyof typeof breakages)[])(
    'while the store is %s, and its errors quote what they choke on',
    async (how) => {
      const browser = createBrowser(server.url)
      browser.cookies.set('gatehouse-session', session)
      browser.cookies.set('gatehouse-browser', browserCookie)
      const page = await createBrowser(server.url).ask('/signin')
      const mend = breakStore(server, how)
      const answers: Answer[] = []
      try {
        const { store } = server.core.transition
        const quoting = (name: 'read' | 'commit' | 'list') => {
          const broken = store[name] as (...given: readonly unknown[]) => unknown
          return (...given: readonly unknown[]) => {
            if (how === 'broken')
              throw Object.assign(
                new Error(`cannot ${name} ${JSON.stringify(given)} ${Object.values(canaries).join(' ')}`),
                { code: 'EIO', secret: session, cause: new Error(password) },
              )
            return broken(...given)
          }
        }
        Object.assign(store, { read: quoting('read'), commit: quoting('commit'), list: quoting('list') })
        answers.push(
          await tokenRequest(server, app, { grant_type: 'client_credentials' }),
          await tokenRequest(server, app, { grant_type: 'authorization_code', code, code_verifier: verifier }),
          await tokenRequest(server, app, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
          await tokenRequest(server, old, { grant_type: 'password', username: 'ada', password }),
          await createBrowser(server.url).ask('/oauth/revoke', {
            form: { token: tokens.refresh_token },
            headers: { authorization: app.basic },
          }),
          await createBrowser(server.url).ask('/oauth/introspect', {
            form: { token: tokens.access_token },
            headers: { authorization: app.basic },
          }),
          await createBrowser(server.url).ask('/oauth/userinfo', {
            headers: { authorization: `Bearer ${tokens.access_token}` },
          }),
          await browser.ask(authorizeUrl(app)),
          await browser.ask('/account'),
          await submit(browser, page, 'sign-in', { username: 'ada', password }).catch(() => browser.ask('/signin')),
          await createBrowser(server.url).ask('/api/v1/users', {
            body: JSON.stringify({ username: 'zoe', password: newPassword }),
            headers: { authorization: `Bearer ${tokens.access_token}`, 'content-type': 'application/json' },
          }),
        )
      } finally {
        mend()
      }
      // A store that says yes to nothing and no to nothing is told apart in G20; here only what is said about it counts.
      for (const answer of answers) if (answer.status >= 400) await expectNoSecretIn(answer, Object.values(canaries))
      await expectNoSecret(server, Object.values(canaries))
      expect(server.logged()).toContain(how === 'unavailable' ? 'request.unavailable' : 'request.')
    },
  )

  test('what is no HTTP at all', async () => {
    for (const bytes of [
      `GET /oauth/authorize?code=${code} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization : Bearer ${tokens.access_token}\r\n\r\n`,
      `POST /oauth/token HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nclient_secret=${app.secret}`,
      `GET /${session} HTTP/9.9\r\n\r\n`,
      `${tokens.refresh_token}\r\n\r\n`,
      `GET /\x00${password} HTTP/1.1\r\n\r\n`,
    ]) {
      const { text } = await sendRaw(server.port, bytes)
      for (const secret of Object.values(canaries)) expect(text.includes(secret)).toBe(false)
    }
    await expectNoSecret(server, Object.values(canaries))
  })

  test('L17 in small: nothing in the store is any of them, or lets one be made', async () => {
    const browser = createBrowser(server.url)
    const parked = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'login' })))
    expect(parked.text).toContain('<form id="sign-in"')
    const state = JSON.stringify(await stateOf(server))
    for (const [name, secret] of Object.entries(canaries)) {
      expect(state.includes(secret), name).toBe(false)
      // A code, refresh token or cookie is prefix, ids and a MAC; the MAC must not be kept.
      if (secret.startsWith('gth_')) expect(state.includes(secret.slice(-43)), name).toBe(false)
    }
  })

  test('secrets in each place of a request, at every route', async () => {
    const answers: Answer[] = []
    const secrets = Object.values(canaries)
    const perRoute = 4
    for (const [index, route] of routes.entries()) {
      const asked: Promise<Answer>[] = []
      // Some of them at each route, each of them at many.
      for (let turn = 0; turn < perRoute; turn += 1) {
        const secret = secrets[(index * perRoute + turn) % secrets.length] ?? ''
        const encoded = encodeURIComponent(secret)
        asked.push(
          ask(route, {
            query: `x=${encoded}&access_token=${encoded}&code=${encoded}&id_token_hint=${encoded}&interaction=${encoded}&state=${encoded}`,
          }),
        )
        asked.push(
          ask(route, {
            headers: {
              authorization: `Bearer ${secret}`,
              cookie: `gatehouse-session=${encoded}`,
              referer: `https://app.example/?code=${encoded}`,
              'x-api-key': secret,
            },
          }),
        )
        asked.push(ask(route, { headers: { authorization: `Basic ${btoa(`app:${encoded}`)}` } }))
        if (route.path.includes(':'))
          asked.push(ask(route, { id: secret, headers: { authorization: `Bearer ${tokens.access_token}` } }))
        if (route.kind === 'form')
          asked.push(
            ask(route, {
              body: formBody({
                username: secret,
                token: secret,
                client_secret: secret,
                client_id: secret,
                code: secret,
                grant_type: secret,
                scope: secret,
                csrf: secret,
                interaction: secret,
              }),
            }),
          )
        if (route.kind === 'json')
          asked.push(
            ask(route, {
              body: JSON.stringify({ username: secret, password: secret, [secret]: secret }),
              headers: { authorization: `Bearer ${tokens.access_token}` },
            }),
          )
        if (route.kind === 'json')
          asked.push(
            ask(route, {
              body: `{"password":"${secret}"`,
              headers: { authorization: `Bearer ${tokens.access_token}` },
            }),
          )
      }
      for (const answer of await Promise.all(asked)) answers.push(answer)
    }
    await expectNoSecret(server, Object.values(canaries))
    // An id in a path is the caller's own word, yet no error repeats it.
    for (const answer of answers.filter(({ status }) => status >= 400))
      await expectNoSecretIn(answer, Object.values(canaries))
    expect(answers.length).toBeGreaterThan(1_000)
  }, 60_000)

  test('the log did speak of all this', () => {
    const events = new Set(
      server
        .logged()
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: string }).event),
    )
    for (const event of [
      'request.answered',
      'request.refused',
      'request.malformed',
      'request.failed',
      'request.unavailable',
    ])
      expect([...events]).toContain(event)
  })
})
