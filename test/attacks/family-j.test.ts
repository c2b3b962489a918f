import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../src/api/operations.ts'
import { methodsOf } from '../../src/server/route-table.ts'
import type { Route } from '../../src/server/route.ts'
import { routesOf } from '../../src/server/routes.ts'
import { createBrowser, formBody, type Answer, type Ask } from '../kit/browser.ts'
import { authorizeUrl, codeFlow, submit } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { answersIn, sendRaw, statusOf } from '../server/support/raw.ts'
import {
  attack,
  changed,
  eventsOf,
  expectAlive,
  expectRedirect,
  expectTokenError,
  inTurn,
  stateOf,
  type House,
} from './support.ts'

let server: TestGatehouse
let house: House
let app: MadeClient
let cookie: string
let token: string
let routes: readonly Route[]
/** What an id in a path may name, by the name of its segment. */
const ids: Record<string, string> = { session_id: 'x', grant_id: 'x', client_id: 'victim' }

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { role: 'superuser' })
  ids['user_id'] = (await server.makeUser('bob')).userId
  await server.makeClient({ client_id: 'victim' })
  await server.makeResource({ resource: 'https://api.example', scope: 'read' })
  ids['resource_id'] = Buffer.from('https://api.example').toString('base64url')
  app = await server.makeClient({
    scope: 'openid profile email offline_access read write admin me accounts:provision leaks:report',
  })
  const flow = await codeFlow(server, app, 'ada', {
    extra: { scope: 'openid profile offline_access admin me accounts:provision leaks:report' },
  })
  cookie = [...flow.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  token = flow.tokens.access_token
  routes = routesOf(server.core)
  house = {
    server,
    app,
    secrets: [password, app.secret, token, flow.tokens.refresh_token, ...flow.browser.cookies.values()],
  }
})
afterAll(() => server.close())

/** The way in that a route asks for, so that what is behind it is reached. */
function credentials({ access }: Pick<Route, 'access'>): Readonly<Record<string, string>> {
  if (access === 'client') return { authorization: app.basic }
  if (access === 'token') return { authorization: `Bearer ${token}` }
  return access === 'browser' ? { cookie } : {}
}

function concrete(path: string, id?: string): string {
  return path.replaceAll(/:([^/]+)/g, (_whole, name: string) => id ?? ids[name] ?? 'x')
}

function send(route: Route, ask: Ask & { readonly query?: string; readonly id?: string } = {}): Promise<Answer> {
  const { query, id, headers, ...rest } = ask
  const path = `${concrete(route.path, id)}${query === undefined ? '' : `?${query}`}`
  return createBrowser(server.url).ask(path, {
    method: route.method,
    headers: { ...credentials(route), ...headers },
    ...rest,
  })
}

const types = {
  form: 'application/x-www-form-urlencoded',
  json: 'application/json',
  none: '',
  stream: 'application/octet-stream',
} as const

function sendBody(route: Route, body: string): Promise<Answer> {
  return send(route, { body, headers: { 'content-type': types[route.kind] } })
}

describe('J01 proto-pollution: no name reaches a prototype', () => {
  const names = [
    '__proto__[isAdmin]',
    '__proto__.isAdmin',
    'constructor.prototype.isAdmin',
    'constructor[prototype][isAdmin]',
    '__proto__',
    'constructor',
    'prototype',
    '__proto__[]',
    'a[__proto__][isAdmin]',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '__defineGetter__',
  ]
  const polluted = names.map((name) => `${encodeURIComponent(name)}=1`).join('&')
  const documents = [
    '{"__proto__":{"isAdmin":1}}',
    '{"constructor":{"prototype":{"isAdmin":1}}}',
    '{"a":{"__proto__":{"isAdmin":1}}}',
    '{"username":"x","password":"long enough for all of us","__proto__":{"role":"superuser"}}',
    '{"client_name":"x","redirect_uris":["https://app.example/cb"],"jwks":{"keys":[{"__proto__":{"isAdmin":1}}]}}',
    '[{"__proto__":{"isAdmin":1}}]',
    '{"\\u005f\\u005fproto__":{"isAdmin":1}}',
  ]
  const prototypes = [Object, Array, String, Number, Boolean, Function, Map, Set, Promise, Error, RegExp, Date].map(
    ({ prototype }) => prototype as object,
  )

  test('every route, in query, form, JSON, path, cookie and header', async () => {
    const before = prototypes.map((one) => Reflect.ownKeys(one).length)
    const seen: [string, number][] = []
    await attack(
      house,
      async () => {
        const answers: Answer[] = []
        for (const route of routes) {
          const asks: Promise<Answer>[] = [
            send(route, {
              query: polluted,
              headers: { 'x-__proto__': '1' },
              ...(route.kind === 'none' ? {} : { body: '', headers: { 'content-type': types[route.kind] } }),
            }),
          ]
          if (route.path.includes(':'))
            for (const id of ['__proto__', 'constructor', 'toString']) asks.push(send(route, { id, query: polluted }))
          if (route.kind === 'form')
            asks.push(
              sendBody(route, polluted),
              sendBody(route, `${polluted}&csrf=x&client_id=__proto__&grant_type=__proto__&token=__proto__`),
            )
          if (route.kind === 'json') for (const body of documents) asks.push(sendBody(route, body))
          asks.push(
            send(
              { ...route, method: 'GET' },
              { headers: { cookie: '__proto__=1; constructor=1; __proto__[isAdmin]=1' } },
            ),
          )
          for (const answer of await Promise.all(asks)) {
            seen.push([`${route.method} ${route.path}`, answer.status])
            answers.push(answer)
          }
        }
        return answers
      },
      // Query names that nobody knows are ignored by OAuth, so an honest revocation or token stays one.
      { writes: ['interaction', 'event'] },
    )
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
    expect(([] as unknown as Record<string, unknown>)['isAdmin']).toBeUndefined()
    expect(prototypes.map((one) => Reflect.ownKeys(one).length)).toEqual(before)
    expect(seen.filter(([, status]) => status >= 500)).toEqual([])
    // Whoever sends JSON that names a prototype is told no.
    // What takes a signature is refused before it is read; signed, in test/api/requests.test.ts.
    const json = routes.filter(({ kind, path }) => kind === 'json' && path !== '/api/v1/leaked-tokens')
    for (const route of json)
      for (const body of documents) expect((await sendBody(route, body)).status, `${route.path} ${body}`).toBe(400)
    expect(json.length).toBeGreaterThan(5)
  })

  test('a grant type, client, scope or cookie called like something every object has is just unknown', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const ask = (form: Readonly<Record<string, string>>) =>
        createBrowser(server.url).ask('/oauth/token', { form, headers: { authorization: app.basic } })
      expectTokenError(await attack(house, () => ask({ grant_type: name })), 'unsupported_grant_type')
      expectTokenError(
        await attack(house, () => ask({ grant_type: 'client_credentials', scope: name })),
        'invalid_scope',
      )
      const basic = `Basic ${btoa(`${name}:x`)}`
      const answer = await attack(house, () =>
        createBrowser(server.url).ask('/oauth/token', {
          form: { grant_type: 'client_credentials' },
          headers: { authorization: basic },
        }),
      )
      expectTokenError(answer, 'invalid_client')
      for (const parameter of ['response_type', 'response_mode', 'prompt', 'code_challenge_method', 'claims']) {
        const odd = await createBrowser(server.url).ask(authorizeUrl(app, { [parameter]: name }))
        expect(odd.location, parameter).toMatch(
          /^https:\/\/app\.example\/cb\?error=(?:unsupported_response_type|invalid_request)&/,
        )
      }
    }
  })
})

describe('J02 arrays: a text is a text', () => {
  test('brackets are letters of a name', async () => {
    const token = (body: string) =>
      createBrowser(server.url).ask('/oauth/token', {
        body,
        headers: { authorization: app.basic, 'content-type': types.form },
      })
    const answers = await attack(house, async () => [
      await token('grant_type[]=client_credentials'),
      await token('grant_type[0]=client_credentials'),
      await token('grant_type.x=client_credentials'),
      await createBrowser(server.url).ask('/oauth/token', {
        body: 'client_id[0]=app&client_secret[0]=x&grant_type=client_credentials',
        headers: { 'content-type': types.form },
      }),
    ])
    for (const answer of answers) {
      expect([400, 401]).toContain(answer.status)
      expect(answer.text).not.toContain('[object')
    }
    const scoped = await token('grant_type=client_credentials&scope=read&scope[]=write&scope[admin]=1')
    expect(scoped.json()['scope']).toBe('read')
  })

  test('JSON values of a wrong type, in every field of every call that has an example', async () => {
    let asked = 0
    for (const operation of operations) {
      const { body: example } = operation.example
      if (example === undefined || operation.policy.who === 'signer') continue
      const route = routes.find(
        ({ method, path }) => method === operation.method && path === operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      )
      if (route === undefined) throw new Error(`no route for ${operation.id}`)
      const wrong = Object.entries<unknown>({ ...example }).flatMap(([field, value]) =>
        wrongFor(value).map((one) => ({ [field]: one })),
      )
      const answers = await attack(house, () =>
        inTurn(wrong, (one) => sendBody(route, JSON.stringify({ ...example, ...one }))),
      )
      for (const [index, answer] of answers.entries()) {
        asked += 1
        expect(answer.status, `${operation.id} ${JSON.stringify(wrong[index])}: ${answer.text}`).toBe(400)
        expect(answer.text).not.toContain('[object')
      }
    }
    expect(asked).toBeGreaterThan(50)
  })

  test.each([
    '[]',
    '"x"',
    '1',
    'true',
    'null',
    '',
    '{',
    '{}x',
    '{"username":"a","username":"b"}',
    '\ufeff{}',
    "{'username':'x'}",
    '{"username":"x",}',
    '{"username":NaN}',
    '['.repeat(50_000),
    `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
  ])('a body that is no object of distinct members: %.30s', async (body) => {
    const route = routes.find(({ method, path }) => method === 'POST' && path === '/api/v1/users')
    if (route === undefined) throw new Error('no route')
    expect((await attack(house, () => sendBody(route, body))).status).toBe(400)
  })

  function wrongFor(value: unknown): readonly unknown[] {
    if (typeof value === 'string') return [[value], { toString: value }, { length: 1, 0: value }, 1, true, [[]]]
    if (Array.isArray(value)) return ['x', { 0: 'x', length: 1 }, [null], [1], [['x']], 7]
    if (typeof value === 'number') return ['1', [1], {}, 1.5, -1, 1e99]
    return [[value], 'x', 7]
  }
})

describe('J03 NUL-control: control characters and broken encodings are refused wherever they come', () => {
  const hostile = [
    '%00',
    'a%00b',
    '%0d%0a',
    '%0A',
    '%1b[31m',
    '%7f',
    '%c2%85',
    '%E2%80%A8',
    '%ED%A0%80',
    '%C0%AF',
    '%C1%81',
    '%E0%80%AF',
    '%F8%88%80%80%80',
    '%ff',
    '%fe%ff',
    '%',
    '%4',
    '%zz',
    '%u0041',
  ]
  const parameters: Readonly<Record<string, readonly string[]>> = {
    '/oauth/authorize': [
      'client_id',
      'redirect_uri',
      'response_type',
      'response_mode',
      'scope',
      'state',
      'nonce',
      'code_challenge',
      'prompt',
      'max_age',
      'login_hint',
      'claims',
      'resource',
      'ui_locales',
      'acr_values',
      'id_token_hint',
      'unknown',
    ],
    '/oauth/token': [
      'grant_type',
      'code',
      'code_verifier',
      'refresh_token',
      'scope',
      'client_id',
      'client_secret',
      'username',
      'device_name',
      'resource',
      'unknown',
    ],
    '/oauth/introspect': ['token', 'token_type_hint'],
    '/oauth/revoke': ['token', 'token_type_hint'],
    '/oauth/logout': ['id_token_hint', 'post_logout_redirect_uri', 'state', 'client_id'],
    '/signin': ['interaction', 'username', 'password', 'csrf', 'remember'],
    '/consent': ['interaction', 'decision', 'scope', 'csrf'],
    '/continue': ['interaction', 'decision', 'csrf'],
    '/oauth/userinfo': ['access_token'],
    '/api/v1/users': ['username', 'limit', 'cursor'],
  }

  test.each(Object.entries(parameters))('in every parameter of %s, its query and its form', async (path, names) => {
    const here = routes.filter((route) => route.path === path && route.kind !== 'json')
    const before = server.logged().length
    await attack(house, async () => {
      const answers: Answer[] = []
      for (const route of here) {
        for (const name of names) {
          const asked = hostile.map((value) =>
            route.kind === 'form' ? sendBody(route, `${name}=${value}`) : send(route, { query: `${name}=${value}` }),
          )
          for (const [index, answer] of (await Promise.all(asked)).entries()) {
            answers.push(answer)
            // A token in the query isn't even looked at (RFC 9700 §4.3.2).
            const ignored = route.path === '/oauth/userinfo' && route.method === 'GET'
            if (!ignored) expect([400, 401], `${route.method} ${name}=${hostile[index]}`).toContain(answer.status)
          }
        }
      }
      return answers
    })
    expectCleanLog(server.logged().slice(before))
  })

  test('in the path, raw and escaped', async () => {
    const tails = [...hostile, '\x00', '\x7f', '\xff', '\xc0\xaf', '\xed\xa0\x80']
    const paths = tails.flatMap((tail) => ['/', '/signin', '/api/v1/users/'].map((path) => `${path}${tail}`))
    const answers = await attack(house, () =>
      Promise.all(
        paths.map((path) =>
          sendRaw(
            server.port,
            `GET ${path} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
            5_000,
          ),
        ),
      ),
    )
    for (const [index, answer] of answers.entries()) expect(statusOf(answer), paths[index]).toBe(400)
  })

  test('raw bytes in forms and JSON', async () => {
    const bodies: readonly (readonly [string, Buffer])[] = [
      ['form', Buffer.from('grant_type=client_credentials&x=a\xc0\xaf', 'latin1')],
      ['form', Buffer.from('grant_type=client_credentials&x=a\x00', 'latin1')],
      ['form', Buffer.from('grant_type=client_credentials&x=\xed\xa0\x80', 'latin1')],
      ['form', Buffer.from('grant_type=client_credentials&x=\xe2\x80\xa8', 'latin1')],
      ['json', Buffer.from('{"username":"fine","full_name":"a\xff","password":"long enough for all"}', 'latin1')],
      ['json', Buffer.from(String.raw`{"username":"\ud800","password":"long enough for all"}`)],
      ['json', Buffer.from(String.raw`{"username":"a\u0000","password":"long enough for all"}`)],
      [
        'json',
        Buffer.from(String.raw`{"username":"a\u2028","full_name":"\u001b[31m","password":"long enough for all"}`),
      ],
    ]
    for (const [kind, body] of bodies) {
      const [path, authorization] = kind === 'form' ? ['/oauth/token', app.basic] : ['/api/v1/users', `Bearer ${token}`]
      const head = `POST ${path} HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: ${authorization}\r\nContent-Type: ${types[kind as 'form']}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
      const answer = await attack(house, () => sendRaw(server.port, Buffer.concat([Buffer.from(head, 'latin1'), body])))
      expect(statusOf(answer), body.toString()).toBe(400)
    }
  })
})

/** One JSON object a line, nothing in it that a terminal or a line reader would obey (J14). */
function expectCleanLog(log: string): void {
  for (const line of log
    .trimEnd()
    .split('\n')
    .filter((one) => one !== '')) {
    expect(() => JSON.parse(line) as unknown, line).not.toThrow()
    expect(line).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/)
    expect(line.isWellFormed(), line).toBe(true)
  }
}

describe('J04 big-body: 413 without reading the rest', () => {
  const head = (path: string, lines: string) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: ${path.startsWith('/api') ? types.json : types.form}\r\n${lines}\r\n`

  test.each(['/oauth/token', '/oauth/authorize', '/signin', '/api/v1/users'])(
    '%s: declared 1 GB, and 10 MB sent',
    async (path) => {
      const declared = await attack(house, () => sendRaw(server.port, head(path, 'Content-Length: 1073741824\r\n')))
      expect(statusOf(declared)).toBe(413)
      const sent = await createBrowser(server.url).ask(path, {
        body: 'a'.repeat(10_000_000),
        headers: { 'content-type': path.startsWith('/api') ? types.json : types.form },
      })
      expect(sent.status).toBe(413)
      await expectAlive(house)
    },
  )

  test('chunks without end: 413, and the connection is cut while they go on', async () => {
    const before = process.memoryUsage().rss
    const { text, sent } = await new Promise<{ text: string; sent: number }>((resolve) => {
      const socket = connect(server.port, '127.0.0.1')
      const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`
      const state = { open: true }
      let [text, sent] = ['', 0]
      const done = () => {
        state.open = false
        resolve({ text, sent })
      }
      const more = () => {
        while (state.open && sent < 200_000_000) {
          sent += chunk.length
          if (!socket.write(chunk)) return
        }
        if (state.open) socket.destroy()
      }
      socket.on('data', (data) => (text += data.toString('latin1')))
      socket.on('error', () => undefined)
      socket.on('close', done)
      socket.on('drain', more)
      socket.write(head('/oauth/token', 'Transfer-Encoding: chunked\r\n'), more)
    })
    expect(text).toMatch(/^(?:HTTP\/1\.1 413 |$)/)
    expect(sent).toBeLessThan(100_000_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
    await expectAlive(house)
  })

  test('64 parameters and 64 KB are enough for everybody', async () => {
    const ask = (body: string) =>
      createBrowser(server.url).ask('/oauth/token', {
        body,
        headers: { authorization: app.basic, 'content-type': types.form },
      })
    expectTokenError(
      await attack(house, () =>
        ask(`grant_type=client_credentials&${Array.from({ length: 5_000 }, (_, index) => `a${index}=1`).join('&')}`),
      ),
      'invalid_request',
    )
    expect((await attack(house, () => ask(`grant_type=client_credentials&x=${'a'.repeat(65_536)}`))).status).toBe(413)
    // A query of the length of a header is read, and refused for what it is.
    expect(
      (await attack(house, () => createBrowser(server.url).ask(`/oauth/authorize?x=${'a'.repeat(15_000)}`))).status,
    ).toBe(400)
    const long = `GET /oauth/authorize?x=${'a'.repeat(20_000)} HTTP/1.1
Host: localhost:${server.port}

`
    expect(statusOf(await attack(house, () => sendRaw(server.port, long)))).toBe(431)
  })
})

describe('J06 content-type', () => {
  const form = 'grant_type=client_credentials'
  test.each([
    ['JSON', types.json, '{"grant_type":"client_credentials"}'],
    [
      'multipart',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--\r\n',
    ],
    ['UTF-7', `${types.form}; charset=utf-7`, form],
    ['UTF-16', `${types.form}; charset=utf-16`, form],
    ['plain text, as a form with enctype=text/plain sends', 'text/plain', form],
    ['XML', 'application/xml', '<grant_type>client_credentials</grant_type>'],
    ['two types', `${types.form}, ${types.json}`, form],
    ['a type that only begins like it', `${types.form}-x`, form],
  ])('%s', async (_name, type, body) => {
    const paths = [
      '/oauth/token',
      '/oauth/introspect',
      '/oauth/revoke',
      '/signin',
      '/consent',
      '/oauth/authorize',
      '/oauth/logout',
    ]
    const answers = await attack(house, () =>
      inTurn(paths, (path) =>
        createBrowser(server.url).ask(path, { body, headers: { 'content-type': type, authorization: app.basic } }),
      ),
    )
    for (const [index, answer] of answers.entries()) expect(answer.status, paths[index]).toBe(415)
  })

  test('none, gzip, and a body where none belongs', async () => {
    const auth = `Authorization: ${app.basic}\r\n`
    const head = (path: string, lines: string, method = 'POST') =>
      `${method} ${path} HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: close\r\n${auth}${lines}\r\n`
    const none = await attack(house, () =>
      sendRaw(server.port, `${head('/oauth/token', `Content-Length: ${form.length}\r\n`)}${form}`),
    )
    expect(statusOf(none)).toBe(415)
    const zipped = gzipSync(form)
    const gzip = await attack(house, () =>
      sendRaw(
        server.port,
        Buffer.concat([
          Buffer.from(
            head(
              '/oauth/token',
              `Content-Type: ${types.form}\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n`,
            ),
          ),
          zipped,
        ]),
      ),
    )
    expect(statusOf(gzip)).toBe(415)
    const unwanted = await attack(house, () =>
      sendRaw(
        server.port,
        `${head('/oauth/userinfo', `Content-Type: ${types.form}\r\nContent-Length: 3\r\n`, 'GET')}a=b`,
      ),
    )
    expect(statusOf(unwanted)).toBe(400)
    const json = await attack(house, () =>
      createBrowser(server.url).ask('/api/v1/users', {
        body: 'username=x',
        headers: { authorization: `Bearer ${token}`, 'content-type': types.form },
      }),
    )
    expect(json.status).toBe(415)
  })
})

describe('J07 method: 405 with Allow for every other method of every path', () => {
  test('and no header or parameter overrides a method', async () => {
    const paths = [...new Set(routes.map(({ path }) => path))]
    const wrong: string[] = []
    await attack(house, async () => {
      for (const path of paths) {
        const here = routes.filter((route) => route.path === path)
        const allowed = methodsOf(here)
        for (const method of [
          'GET',
          'HEAD',
          'POST',
          'PUT',
          'DELETE',
          'PATCH',
          'OPTIONS',
          'TRACE',
          'PROPFIND',
          'MKCOL',
        ].filter((one) => !allowed.includes(one))) {
          const { text } = await sendRaw(
            server.port,
            `${method} ${concrete(path)} HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Length: 0\r\nX-HTTP-Method-Override: ${allowed[0]}\r\nConnection: close\r\n\r\n`,
            5_000,
          )
          const allow = /\r\nallow: ([^\r]*)/i.exec(text)?.[1]
          if (!text.startsWith('HTTP/1.1 405 ') || allow !== allowed.join(', '))
            wrong.push(`${method} ${path}: ${text.slice(0, 40)} ${allow}`)
        }
      }
      return []
    })
    expect(wrong).toEqual([])
  })

  test('CONNECT and unknown words never reach a route; B30: a token request by GET is 405 and burns nothing', async () => {
    for (const line of ['CONNECT localhost:1', 'CONNECT /oauth/token', 'FOO /', 'get /', 'GET']) {
      const answer = await attack(house, () =>
        sendRaw(server.port, `${line} HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`, 5_000),
      )
      expect([400, 405], line).toContain(statusOf(answer))
    }
    const overridden = await attack(house, () =>
      createBrowser(server.url).ask('/oauth/token?_method=POST&grant_type=client_credentials', {
        headers: { 'x-http-method-override': 'POST', authorization: app.basic },
      }),
    )
    expect(overridden.status).toBe(405)
    // And a POST that says it is a DELETE is a POST.
    const posted = await attack(house, () =>
      createBrowser(server.url).ask('/api/v1/clients/app/secret?_method=DELETE', {
        method: 'POST',
        headers: { 'x-http-method-override': 'DELETE' },
      }),
    )
    expect(posted.status).toBe(401)
  })
})

describe('J09 smuggling: where two parsers could cut differently, 400 and the end of the connection', () => {
  const host = () => `Host: localhost:${server.port}\r\n`
  const smuggled = () => `GET /.well-known/jwks.json HTTP/1.1\r\n${host()}\r\n`
  // A body that, wherever it were read as meant, would get its token.
  const good = 'grant_type=client_credentials'
  const size = good.length
  const chunk = size.toString(16)
  const post = (headers: string, body: string) =>
    `POST /oauth/token HTTP/1.1\r\n${host()}Authorization: ${app.basic}\r\nContent-Type: ${types.form}\r\n${headers}\r\n${body}`
  const chunked = 'Transfer-Encoding: chunked\r\n'
  const end = () => `\r\n0\r\n\r\n${smuggled()}`
  const cases: Readonly<Record<string, () => string>> = {
    'CL+TE': () => post(`Content-Length: ${size}\r\n${chunked}`, `${chunk}\r\n${good}${end()}`),
    'TE+CL': () => post(`${chunked}Content-Length: ${size}\r\n`, `${chunk}\r\n${good}${end()}`),
    'two CL': () => post(`Content-Length: ${size}\r\nContent-Length: 0\r\n`, `${good}${smuggled()}`),
    'two equal CL': () => post(`Content-Length: ${size}\r\nContent-Length: ${size}\r\n`, `${good}${smuggled()}`),
    'a list of CL': () => post(`Content-Length: ${size}, 0\r\n`, `${good}${smuggled()}`),
    'bare LF': () => `${post(`Content-Length: ${size}\r\n`, '').replaceAll('\r\n', '\n')}${good}${smuggled()}`,
    'bare CR': () => post(`X: y\rContent-Length: ${size}\r\n`, `${good}${smuggled()}`),
    'obs-fold': () => post(`X: y\r\n z\r\nContent-Length: ${size}\r\n`, `${good}${smuggled()}`),
    'obs-fold of TE': () => post('Transfer-Encoding:\r\n chunked\r\n', `${chunk}\r\n${good}${end()}`),
    'CR in a chunk extension': () => post(chunked, `${chunk};a\rb\r\n${good}${end()}`),
    'LF in a chunk extension': () => post(chunked, `${chunk};a\nb\r\n${good}${end()}`),
    'a chunk size of two readings': () => post(chunked, `0x${chunk}\r\n${good}${end()}`),
    'a space before the colon': () => post('Transfer-Encoding : chunked\r\n', `${chunk}\r\n${good}${end()}`),
    'an obscured coding': () => post('Transfer-Encoding: xchunked\r\n', `${chunk}\r\n${good}${end()}`),
    'two codings': () => post('Transfer-Encoding: identity, chunked\r\n', `${chunk}\r\n${good}${end()}`),
    'chunked in HTTP/1.0': () => post(chunked, `${chunk}\r\n${good}${end()}`).replace('HTTP/1.1', 'HTTP/1.0'),
    'a body where none belongs': () =>
      `GET /account HTTP/1.1\r\n${host()}Content-Length: ${smuggled().length}\r\n\r\n${smuggled()}`,
  }

  test.each(Object.entries(cases))('%s', async (name, bytes) => {
    const answer = await attack(house, () => sendRaw(server.port, bytes(), 500))
    expect(statusOf(answer), answer.text).toBe(400)
    // Where there is no doubt about the end of the body, the connection may go on behind it.
    expect(answer.closed).toBe(name !== 'a body where none belongs')
    expect(answersIn(answer)).toBe(1)
    expect(answer.text).not.toMatch(/"keys"|access_token/)
  })

  test('and the honest one gets its token, in one piece or in chunks', async () => {
    for (const bytes of [
      post(`Content-Length: ${size}\r\n`, good),
      post(chunked, `5\r\n${good.slice(0, 5)}\r\n${(size - 5).toString(16)};ext=1\r\n${good.slice(5)}\r\n0\r\n\r\n`),
    ]) {
      expect(statusOf(await sendRaw(server.port, bytes, 500))).toBe(200)
    }
  })
})

test('J10 h2: HTTP/2 is not offered, by preface or by upgrade', async () => {
  const preface = await attack(house, () =>
    sendRaw(server.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'),
  )
  expect(statusOf(preface)).toBe(400)
  const upgrade = `GET /oauth/userinfo HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`
  const answer = await attack(house, () => sendRaw(server.port, upgrade))
  expect(answer.text).not.toContain('101 ')
  expect(statusOf(answer)).toBe(401)
})

describe('J11 numbers: decimal ASCII alone', () => {
  const odd = [
    '-1',
    '1e99',
    '0x10',
    '٣',
    '１',
    '1.0',
    '1.',
    '+1',
    ' 1',
    '1 ',
    '01',
    '00',
    'NaN',
    'Infinity',
    '9'.repeat(400),
    '1_000',
    "1'0",
    '1,0',
    'true',
    'null',
    '²',
  ]

  test('max_age', async () => {
    const answers = await attack(house, () =>
      inTurn(odd, (max_age) => createBrowser(server.url).ask(authorizeUrl(app, { max_age }))),
    )
    for (const answer of answers) expectRedirect(answer, server, 'invalid_request')
  })

  test('limit of a list', async () => {
    const list = (limit: string) =>
      createBrowser(server.url).ask(`/api/v1/users?${formBody({ limit })}`, {
        headers: { authorization: `Bearer ${token}` },
      })
    const limits = [...odd, '0', '101', '']
    const answers = await attack(house, () => inTurn(limits, list))
    for (const [index, answer] of answers.entries()) expect(answer.status, limits[index]).toBe(400)
    expect((await list('100')).status).toBe(200)
  })
})

describe('J12 cursor-forge: a cursor is ours, for this list, as it was', () => {
  const ask = (path: string) => createBrowser(server.url).ask(path, { headers: { authorization: `Bearer ${token}` } })

  test('forged, edited, of another list, of nobody', async () => {
    const first = (await ask('/api/v1/users?limit=1')).json()
    const cursor = String(first['next'])
    const [keyId = '', position = '', tag = ''] = cursor.split('.')
    const elsewhere = String((await ask('/api/v1/users?limit=1&username=ada')).json()['next'])
    const clients = await server.makeClient({ client_id: 'second' }).then(() => ask('/api/v1/clients?limit=1'))
    const wrong = [
      String(clients.json()['next']),
      `${keyId}.${Buffer.from('usr_x').toString('base64url')}.${tag}`,
      `${keyId}.${position}.${tag.slice(0, -1)}${tag.endsWith('A') ? 'E' : 'A'}`,
      `${keyId}.${position}.${'A'.repeat(43)}`,
      `x.${position}.${tag}`,
      `__proto__.${position}.${tag}`,
      `${keyId}.${position}`,
      position,
      `${cursor}.`,
      `${cursor}=`,
      ` ${cursor}`,
      '',
      'null',
      Buffer.from("'; DROP TABLE record; --").toString('base64url'),
      'x'.repeat(4_000),
      ...(elsewhere === 'null' ? [] : [elsewhere]),
    ]
    const refused = await attack(house, () =>
      inTurn(wrong, (one) => ask(`/api/v1/users?${formBody({ limit: '1', cursor: one })}`)),
    )
    for (const [index, answer] of refused.entries()) expect(answer.status, wrong[index]).toBe(400)
    const next = await ask(`/api/v1/users?${formBody({ limit: '1', cursor })}`)
    expect(next.status).toBe(200)
    expect(next.json()['items']).not.toEqual(first['items'])
    // One user's list can't be walked with the cursor of another's, nor a list with the cursor of all.
    for (const path of [
      '/api/v1/clients',
      '/api/v1/resources',
      '/api/v1/me/sessions',
      '/api/v1/me/grants',
      '/api/v1/me/consents',
    ]) {
      expect((await attack(house, () => ask(`${path}?${formBody({ cursor })}`))).status, path).toBe(400)
    }
  })
})

describe('J14 log-forge: one JSON line per event, escaped', () => {
  test('user agents, user names, client ids, paths and addresses of somebody who writes logs', async () => {
    const before = server.logged().length
    const forged = '"}\n{"level":"error","event":"server.stopped"}'
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    await submit(browser, page, 'sign-in', { username: '\u202e\u009b31madmin\u200f', password: 'wrong' })
    await submit(browser, page, 'sign-in', { username: forged, password: 'wrong' })
    for (const agent of ['\x1b[31mred', 'a\r\nX: y', '\x9b31m', '"}{"event":"x"', '\xe2\x80\xa8']) {
      await sendRaw(
        server.port,
        `GET /oauth/authorize?client_id=${encodeURIComponent(forged)} HTTP/1.1\r\nHost: localhost:${server.port}\r\nUser-Agent: ${agent}\r\nConnection: close\r\n\r\n`,
      )
    }
    for (const id of ['\u009b31m', '\u2028', '\u202eevil', '"}', '\\', '\ud83d\ude00']) {
      await createBrowser(server.url).ask(`/oauth/authorize?client_id=${encodeURIComponent(id)}`)
      await createBrowser(server.url).ask('/oauth/token', { form: { grant_type: 'client_credentials', client_id: id } })
    }
    await sendRaw(server.port, `\x1b[31m / HTTP/1.1\r\n\r\n`)
    expectCleanLog(server.logged().slice(before))
    for (const line of server.logged().slice(before).trimEnd().split('\n'))
      expect(JSON.parse(line)).not.toMatchObject({ event: 'server.stopped' })
  })

  test('what events keep of a device and a client is one printable line', async () => {
    const flow = await codeFlow(server, app, 'bob')
    expect(flow.code).not.toBe('')
    const answer = await createBrowser(server.url).ask('/oauth/token', {
      form: { grant_type: 'refresh_token', refresh_token: flow.tokens.refresh_token, device_name: 'x' },
      headers: { authorization: app.basic, 'user-agent': '<b>\u00e9"}' },
    })
    expect(answer.status).toBe(200)
    for (const event of await eventsOf(server)) {
      for (const value of Object.values(event).flat())
        if (typeof value === 'string') expect(value).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028\u2029]/)
    }
  })
})

describe('J18 unhandled: a thousand pieces of nonsense, and nothing is left of them', () => {
  test('no 5xx, no rejection that nobody hears, no state, no memory', async () => {
    const unheard: unknown[] = []
    const hear = (reason: unknown) => void unheard.push(reason)
    process.on('unhandledRejection', hear)
    try {
      let seed = 20_261_122
      const random = (below: number) => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
        return Math.floor((seed / 0x8000_0000) * below)
      }
      const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T
      const values = [
        '',
        '%',
        '%00',
        'a'.repeat(9_000),
        '[]',
        '{}',
        'null',
        '__proto__',
        "' OR 1=1--",
        'gth_rt_',
        'gth_ac_x_y',
        'eyJ.eyJ.x',
        token.slice(0, -3),
        '<svg>',
        '../..',
        'http://[',
        '\u00e9',
        '-1',
        '1e9',
        app.clientId,
        'code',
        'S256',
        'https://app.example/cb',
      ]
      const names = [
        'client_id',
        'grant_type',
        'token',
        'code',
        'code_verifier',
        'redirect_uri',
        'response_type',
        'scope',
        'state',
        'claims',
        'prompt',
        'id_token_hint',
        'interaction',
        'csrf',
        'decision',
        'username',
        'cursor',
        'limit',
        'resource',
        'client_assertion',
        'client_assertion_type',
        'x',
      ]
      const before = await stateOf(server, ['event', 'interaction'])
      const bad: string[] = []
      const round = async (count: number) => {
        for (let sent = 0; sent < count; sent += 20) {
          await Promise.all(
            Array.from({ length: 20 }, async () => {
              const route = pick(routes)
              const pairs = Array.from(
                { length: random(5) },
                () => `${pick(names)}=${random(4) === 0 ? pick(values) : encodeURIComponent(pick(values))}`,
              ).join('&')
              const object = Object.fromEntries(
                Array.from({ length: random(4) }, () => [pick(names), pick([...values, 1, null, [], {}, true])]),
              )
              const body =
                route.kind === 'none'
                  ? undefined
                  : route.kind === 'form'
                    ? pairs
                    : random(3) === 0
                      ? pairs
                      : JSON.stringify(object)
              const authorization = pick([
                '',
                app.basic.slice(0, -2),
                'Bearer x',
                'Basic x',
                `Bearer ${token.slice(0, -2)}`,
              ])
              const answer = await createBrowser(server.url).ask(
                `${concrete(route.path, encodeURIComponent(pick(values) || 'x'))}${random(2) === 0 ? `?${pairs}` : ''}`,
                {
                  method: route.method,
                  headers: {
                    ...(authorization === '' ? {} : { authorization }),
                    ...(random(3) === 0 ? { cookie: `gatehouse-session=${encodeURIComponent(pick(values))}` } : {}),
                    ...(body === undefined ? {} : { 'content-type': types[route.kind] }),
                  },
                  ...(body === undefined ? {} : { body }),
                },
              )
              if (answer.status >= 500 && answer.status !== 503)
                bad.push(`${route.method} ${route.path}: ${answer.status}`)
            }),
          )
        }
      }
      await round(300)
      globalThis.gc?.()
      const heap = process.memoryUsage().heapUsed
      await round(900)
      globalThis.gc?.()
      expect(bad).toEqual([])
      expect(unheard).toEqual([])
      expect(changed(before, await stateOf(server, ['event', 'interaction']))).toEqual([])
      expect(process.memoryUsage().heapUsed - heap).toBeLessThan(60_000_000)
      expect(server.logged()).not.toContain('request.failed')
    } finally {
      process.off('unhandledRejection', hear)
    }
    await expectAlive(house)
  })
})
