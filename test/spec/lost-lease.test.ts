import { afterAll, beforeAll, expect, test } from 'vitest'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { authorizeUrl, codeFlow, tokenRequest, userinfo } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let app: MadeClient
let browser: Browser
let token: string

beforeAll(async () => {
  server = await startGatehouse()
  app = await server.makeClient({ scope: 'openid profile offline_access me' })
  await server.makeUser('ada')
  const flow = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile offline_access me' } })
  browser = flow.browser
  token = flow.tokens.access_token
})
afterAll(() => server.close())

/** Everything was read in time, and the lease ended before the answer. */
async function withoutLease<T>(work: () => Promise<T>): Promise<T> {
  const { directory } = server.core
  const whole = directory.assertFresh
  const lost = (): never => {
    throw new StoreUnavailable('out of date', 'none')
  }
  Object.assign(directory, { assertFresh: lost })
  try {
    return await work()
  } finally {
    Object.assign(directory, { assertFresh: whole })
  }
}

test.each([
  ['authorize', () => browser.ask(authorizeUrl(app))],
  ['token', () => tokenRequest(server, app, { grant_type: 'client_credentials' })],
  ['introspection', () => browser.ask('/oauth/introspect', { form: { token }, headers: { authorization: app.basic } })],
  ['userinfo', () => userinfo(server, token)],
  ['the API', () => createBrowser(server.url).ask('/api/v1/me', { headers: { authorization: `Bearer ${token}` } })],
])('a node that lost its lease while it worked answers nothing at %s', async (_name, ask) => {
  expect((await withoutLease(ask)).status).toBe(503)
  // It was the lease that was missing: the same is answered with it.
  expect((await ask()).status).toBeLessThan(500)
})
