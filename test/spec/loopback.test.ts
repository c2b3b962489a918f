import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBrowser, errorOf, readForm } from '../kit/browser.ts'
import { authorizeUrl, codeFlow, introspect, signInFor, tokenRequest, userinfo } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let near: MadeClient

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('root', { role: 'superuser' })
  near = await server.makeClient({
    client_id: 'loopback',
    loopback_only: true,
    legacy: ['password'],
    grant_types: ['password'],
    redirect_uris: [],
    scope: 'openid admin',
    token_endpoint_auth_method: 'none',
  })
})
afterAll(() => server.close())

const tokenOfRoot = async () => {
  const answer = await tokenRequest(server, near, { grant_type: 'password', username: 'root', password })
  return String(answer.json()['access_token'])
}
const api = (method: string, path: string, token: string, ask: Parameters<typeof userinfoFrom>[1] = {}) =>
  createBrowser(server.url).ask(path, { ...ask, method, headers: { authorization: `Bearer ${token}`, ...ask.headers } })
const userinfoFrom = (token: string, ask: { body?: string; headers?: Readonly<Record<string, string>> }) =>
  api('GET', '/oauth/userinfo', token, ask)

test('the tokens of a client of this machine alone count only where they are sent from this machine', async () => {
  const token = await tokenOfRoot()
  const watcher = await server.makeClient({ client_id: 'watcher', scope: 'introspect' })
  const forwarded = { headers: { 'x-forwarded-for': '198.51.100.7' } }
  expect((await userinfo(server, token)).status).toBe(200)
  expect((await userinfoFrom(token, forwarded)).status).toBe(401)
  expect((await api('GET', '/api/v1/users', token)).status).toBe(200)
  expect((await api('GET', '/api/v1/users', token, forwarded)).status).toBe(401)
  // L7: whose page in a browser on this machine asks says its Origin.
  const elsewhere = { headers: { origin: 'https://evil.example' } }
  expect((await api('GET', '/api/v1/users', token, elsewhere)).status).toBe(401)
  expect(await introspect(server, watcher, token)).toMatchObject({ active: true })
  const seen = await createBrowser(server.url).ask('/oauth/introspect', {
    form: { token },
    headers: { authorization: watcher.basic, ...forwarded.headers },
  })
  expect(seen.json()).toEqual({ active: false })
})

test('what was asked for on this machine is answered on it alone, also once it waits', async () => {
  const app = await server.makeClient({ client_id: 'near', loopback_only: true })
  const browser = createBrowser(server.url)
  const url = authorizeUrl(app, { prompt: 'consent' })
  const page = await signInFor(server, browser, url, 'root')
  const { action, fields } = readForm(page.text, 'consent')
  const form = { ...fields, decision: 'allow' }
  const forwarded = await browser.ask(action, { form, headers: { 'x-forwarded-for': '198.51.100.7' } })
  expect([forwarded.status, errorOf(forwarded.text)]).toEqual([400, 'unauthorized_client'])
  expect((await browser.ask(action, { form })).location).toContain('code=')
})

test('the command line of this machine needs no newer sign-in: its password was asked for this token', async () => {
  const token = await tokenOfRoot()
  const bob = await server.makeUser('bob')
  server.clock.advance(600)
  const change = { body: JSON.stringify({ role: 'admin' }), headers: { 'content-type': 'application/json' } }
  const answer = await api('PATCH', `/api/v1/users/${bob.userId}`, token, change)
  expect(answer.status, answer.text).toBe(200)
})

test('a tool of this machine that no password was asked for needs a newer one: the session behind its token may be of this morning', async () => {
  const tool = await server.makeClient({ client_id: 'tool', loopback_only: true, scope: 'openid admin me' })
  const bob = await server.makeUser('bea')
  const { tokens } = await codeFlow(server, tool, 'root', { extra: { scope: 'openid admin me' } })
  const change = { body: JSON.stringify({ role: 'admin' }), headers: { 'content-type': 'application/json' } }
  const promote = () => api('PATCH', `/api/v1/users/${bob.userId}`, tokens.access_token, change)
  server.clock.advance(301)
  const late = await promote()
  expect([late.status, late.json()['code']]).toEqual([401, 'recent_sign_in_needed'])
  expect((await api('DELETE', '/api/v1/me', tokens.access_token)).status).toBe(401)
})
