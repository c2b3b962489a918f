import { afterAll, beforeAll, expect, test } from 'vitest'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { parseMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { authorizeUrl, codeFlow, submit, tokenRequest, userinfo } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider } from '../vault/house.ts'

let server: TestGatehouse
let app: MadeClient
let browser: Browser
let token: string
let etsy: Etsy
let caveatId: string
let connection: string
let clientToken: string

beforeAll(async () => {
  etsy = await startEtsy()
  const provider = etsyProvider(etsy)
  server = await startGatehouse({ config: { providers: [provider] } })
  app = await server.makeClient({ scope: 'openid profile offline_access me vault' })
  const { userId } = await server.makeUser('ada')
  const flow = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile offline_access me' } })
  browser = flow.browser
  token = flow.tokens.access_token
  const caveats = ['discharge = max_age:300']
  const made = await mintToken(server.core, { actor: { kind: 'cli' }, userId }, { format: 'macaroon', caveats })
  const [macaroon] = parseMacaroonText('done' in made ? made.done.token : '') ?? []
  const asks = macaroon?.caveats.find(({ thirdParty }) => thirdParty !== undefined)
  caveatId = Buffer.from(asks?.identifier ?? '').toString()
  connection = await connectDirectly(server, provider, { kind: 'client', clientId: app.clientId })
  const form = { grant_type: 'client_credentials', scope: 'vault' }
  clientToken = String((await tokenRequest(server, app, form)).json()['access_token'])
})
afterAll(() => Promise.all([server.close(), etsy.close()]))

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

const bearer = (text: string) => ({ authorization: `Bearer ${text}` })
const vault = (verb: string, form: Readonly<Record<string, string>>) =>
  createBrowser(server.url).ask(`/vault/${verb}`, { form, headers: { authorization: app.basic } })

test.each([
  ['authorize', () => browser.ask(authorizeUrl(app))],
  ['token', () => tokenRequest(server, app, { grant_type: 'client_credentials' })],
  ['introspection', () => browser.ask('/oauth/introspect', { form: { token }, headers: { authorization: app.basic } })],
  ['userinfo', () => userinfo(server, token)],
  ['the API', () => createBrowser(server.url).ask('/api/v1/me', { headers: { authorization: `Bearer ${token}` } })],
  [
    'the discharge for a program',
    () => browser.ask('/oauth/discharge', { form: { caveat_id: caveatId }, headers: bearer(token) }),
  ],
  ['the start of a connection', () => vault('connect', { provider: 'etsy' })],
  ['the vault', () => vault('token', { connection })],
  ['a capability', () => vault('capability', { connection })],
  [
    'the proxy',
    () =>
      createBrowser(server.url).ask(`/vault/proxy/${connection}/v3/application/shops/77/listings`, {
        headers: bearer(clientToken),
      }),
  ],
  // Last, since it ends the connection.
  ['the end of a connection', () => vault('revoke', { connection })],
])('a node that lost its lease while it worked answers nothing at %s', async (_name, ask) => {
  expect((await withoutLease(ask)).status).toBe(503)
  // It was the lease that was missing: the same is answered with it.
  expect((await ask()).status).toBeLessThan(400)
})

test('nor does it discharge anything for who confirms it on the page', async () => {
  const page = await browser.ask(`/oauth/discharge?caveat_id=${encodeURIComponent(caveatId)}`)
  const allow = () => submit(browser, page, 'discharge', { decision: 'allow' })
  expect((await withoutLease(allow)).status).toBe(503)
  expect((await allow()).status).toBe(200)
})
