import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBrowser, formBody } from '../kit/browser.ts'
import { authorizeUrl, codeFlow, submit, tokenRequest } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { attack, inTurn, type House } from './support.ts'

// On a real database: what is in memory has no SQL to be broken.
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-j13-'))
let server: TestGatehouse
let app: MadeClient
let house: House
let token: string

beforeAll(async () => {
  server = await startGatehouse({ store: { adapter: 'sqlite', path: join(directory, 'gatehouse.db') } })
  await server.makeUser('ada', { role: 'superuser' })
  app = await server.makeClient({ scope: 'openid profile email offline_access read write admin me' })
  const flow = await codeFlow(server, app, 'ada', { extra: { scope: 'openid admin me' } })
  token = flow.tokens.access_token
  house = { server, app, secrets: [password, app.secret] }
})
afterAll(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})

const payloads = [
  "'",
  "''",
  '"',
  '--',
  ';',
  "' OR '1'='1",
  "' OR 1=1--",
  "'; DROP TABLE record; --",
  "x' UNION SELECT value FROM record--",
  '$1',
  '?1',
  ':id',
  '@id',
  '%',
  '_',
  '*',
  "\\'",
  '/**/',
  'NULL',
  "'||(SELECT value)||'",
  '`record`',
  '[record]',
  '1;ATTACH DATABASE x AS y',
  'ада',
]

const api = (path: string, init: { readonly method?: string; readonly body?: string } = {}) =>
  createBrowser(server.url).ask(path, {
    ...init,
    headers: {
      authorization: `Bearer ${token}`,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  })

test('J13 sql: names, ids, cursors and scopes find nothing and change nothing', async () => {
  for (const text of payloads) {
    const encoded = encodeURIComponent(text)
    const basic = `Basic ${btoa(`${encoded}:${encoded}`)}`
    const answers = await attack(house, () =>
      inTurn(
        [
          () => createBrowser(server.url).ask(`/oauth/authorize?client_id=${encoded}`),
          () => createBrowser(server.url).ask(authorizeUrl(app, { scope: text })),
          () => createBrowser(server.url).ask(`/signin?interaction=${encoded}`),
          () =>
            createBrowser(server.url).ask('/oauth/token', {
              form: { grant_type: 'client_credentials' },
              headers: { authorization: basic },
            }),
          () => tokenRequest(server, app, { grant_type: 'authorization_code', code: text, code_verifier: text }),
          () => tokenRequest(server, app, { grant_type: 'refresh_token', refresh_token: text }),
          () => tokenRequest(server, app, { grant_type: 'client_credentials', scope: text }),
          () => tokenRequest(server, app, { grant_type: 'client_credentials', resource: text }),
          () =>
            createBrowser(server.url).ask('/oauth/introspect', {
              form: { token: text },
              headers: { authorization: app.basic },
            }),
          () => createBrowser(server.url).ask('/oauth/userinfo', { headers: { authorization: `Bearer ${encoded}` } }),
          () => createBrowser(server.url).ask('/account', { headers: { cookie: `gatehouse-session=${encoded}` } }),
          ...['users', 'clients', 'resources'].map((noun) => () => api(`/api/v1/${noun}/${encoded}`)),
          () => api(`/api/v1/users/${encoded}`, { method: 'DELETE' }),
          () => api(`/api/v1/me/grants/${encoded}`, { method: 'DELETE' }),
          ...['sort', 'order', 'order_by', 'filter', 'fields', 'cursor', 'limit'].map(
            (name) => () => api(`/api/v1/users?${formBody({ [name]: text })}`),
          ),
        ],
        (send) => send(),
      ),
    )
    for (const answer of answers) {
      expect(answer.status, text).toBeLessThan(500)
      expect(answer.text, text).not.toMatch(/SQLITE|syntax error|no such (?:table|column)|near "/i)
    }
    const named = await api(`/api/v1/users?${formBody({ username: text })}`)
    // A name that can't be one is wrong or is nobody's; it is never everybody.
    if (named.status === 200) expect(named.json()['items'], text).toEqual([])
    else expect(named.status).toBe(400)
  }
})

test('J13: nobody signs in by it', async () => {
  const browser = createBrowser(server.url)
  const page = await browser.ask('/signin')
  for (const text of payloads.slice(0, 10)) {
    const answer = await attack(house, () => submit(browser, page, 'sign-in', { username: text, password: text }), {
      writes: ['event'],
    })
    expect(answer.text).toContain('<form id="sign-in"')
    expect(browser.cookies.has('gatehouse-session')).toBe(false)
  }
})

test('J13: what may hold such text gives it back as it was', async () => {
  for (const [index, text] of payloads.entries()) {
    const full_name = `Robert${text} x`
    const made = await api('/api/v1/users', {
      method: 'POST',
      body: JSON.stringify({ username: `robert${index}`, password: 'long enough for all of us', full_name }),
    })
    expect(made.status, made.text).toBe(201)
    const shown = await api(`/api/v1/users/${String(made.json()['user_id'])}`)
    expect(shown.json()).toMatchObject({ username: `robert${index}`, full_name: full_name.normalize('NFC') })
    const client = await server.makeClient({ client_id: `c${index}`, client_name: `C ${text} x` })
    expect(client.record.name).toBe(`C ${text} x`)
  }
  const listed = await api('/api/v1/users?limit=100')
  expect(listed.json()['items']).toHaveLength(payloads.length + 1)
  expect(await server.core.admin.verify()).toEqual([])
})
