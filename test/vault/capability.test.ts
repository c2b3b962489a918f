import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { narrow, narrowElsewhere } from '../kit/macaroons.ts'
import { reportLeaks } from '../kit/sign.ts'
import { connectDirectly, etsyProvider } from './house.ts'

let etsy: Etsy
let server: TestGatehouse
let robot: MadeClient
let scanner: MadeClient
beforeAll(async () => {
  etsy = await startEtsy()
  server = await startGatehouse({ config: { providers: [etsyProvider(etsy)] } })
  const alone = { redirect_uris: [], grant_types: ['client_credentials'] }
  robot = await server.makeClient({ client_id: 'robot', scope: 'vault', ...alone })
  scanner = await server.makeClient({
    ...alone,
    client_id: 'scanner',
    scope: 'leaks:report',
    token_endpoint_auth_method: 'http_message_signature',
  })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})

type Form = Readonly<Record<string, string>> | string

const ask = (path: string, form: Form, headers = {}): Promise<Answer> => {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return typeof form === 'string'
    ? createBrowser(server.url).ask(path, { method: 'POST', body: form, headers: { ...type, ...headers } })
    : createBrowser(server.url).ask(path, { form, headers })
}
const call = (id: string, token: string, more: { readonly path?: string; readonly method?: string } = {}) =>
  createBrowser(server.url).ask(`/vault/proxy/${id}${more.path ?? '/v3/application/shops/77/listings'}`, {
    method: more.method ?? 'GET',
    headers: { authorization: `Bearer ${token}` },
  })

/** Connected as the README says; the connection and its handle. */
async function byHandle(): Promise<{ readonly connection: string; readonly handle: string }> {
  const started = (await ask('/vault/connect', { provider: 'etsy' })).json() as Record<string, string>
  const { connect_url: url = '', user_code = '', connection = '', handle = '' } = started
  const browser = createBrowser(server.url)
  const left = await submit(browser, await browser.ask(url), 'connect', { user_code, confirm_mine: 'yes' })
  await browser.ask(await consent(left.location ?? ''))
  return { connection, handle }
}
const ofRobot = () => connectDirectly(server, etsyProvider(etsy), { kind: 'client', clientId: 'robot' })

const caveats = `caveat=${encodeURIComponent('method = GET')}&caveat=${encodeURIComponent('path = /v3/application/shops/77/*')}`

describe.each([
  {
    whose: 'whoever holds the handle',
    make: async () => {
      const { connection, handle } = await byHandle()
      return { connection, by: { form: `handle=${handle}`, headers: {} } }
    },
  },
  {
    whose: 'a client',
    make: async () => {
      const connection = await ofRobot()
      return { connection, by: { form: `connection=${connection}`, headers: { authorization: robot.basic } } }
    },
  },
])('a capability to a connection of $whose', ({ make }) => {
  it('reads one shop and nothing else, for an hour', async () => {
    const { connection, by } = await make()
    const other = await ofRobot()
    const made = await ask('/vault/capability', `${by.form}&${caveats}`, by.headers)
    expect([made.status, made.json()]).toMatchObject([201, { token_type: 'Bearer', expires_in: 3600 }])
    const token = String(made.json()['access_token'])
    expect((await call(connection, token)).json()).toEqual({ path: '/v3/application/shops/77/listings', method: 'GET' })
    expect((await call(connection, token, { method: 'DELETE' })).status).toBe(401)
    expect((await call(connection, token, { path: '/v3/application/shops/78/listings' })).status).toBe(401)
    expect((await call(other, token)).status).toBe(401)
    // It is no key to anything else here.
    const headers = { authorization: `Bearer ${token}` }
    for (const path of ['/api/v1/me/session', '/oauth/userinfo'])
      expect((await createBrowser(server.url).ask(path, { headers })).status, path).toBe(401)
    expect((await ask('/vault/token', { connection }, headers)).status).toBe(401)
    server.clock.advance(3600)
    expect((await call(connection, token)).status).toBe(401)
  })

  it('is narrowed by a tool that nobody here wrote, never widened, and opens what it says', async () => {
    const { connection, by } = await make()
    const made = await ask('/vault/capability', by.form, { ...by.headers, accept: 'text/plain' })
    const ping = '/v3/application/openapi-ping'
    const narrowed = narrowElsewhere(made.text, 'method = GET', `path = ${ping}`)
    expect((await call(connection, narrowed, { path: ping })).status).toBe(200)
    expect((await call(connection, narrowed)).status).toBe(401)
    expect((await call(connection, narrowElsewhere(narrow(made.text, `path = ${ping}`), 'path = /*'))).status).toBe(401)
    const soon = new Date((server.clock.seconds() - 1) * 1000).toISOString().replace(/\.\d+/, '')
    expect((await call(connection, narrowElsewhere(made.text, `time < ${soon}`))).status).toBe(401)
  })

  it('ends with the connection, and alone where it leaked', async () => {
    const { connection, by } = await make()
    const [first, second] = [
      (await ask('/vault/capability', by.form, { ...by.headers, accept: 'text/plain' })).text,
      (await ask('/vault/capability', by.form, { ...by.headers, accept: 'text/plain' })).text,
    ]
    await reportLeaks(server, { clientId: 'scanner', key: { secret: scanner.secret } }, [first])
    expect([(await call(connection, first)).status, (await call(connection, second)).status]).toEqual([401, 200])
    await ask('/vault/revoke', by.form, by.headers)
    expect((await call(connection, second)).status).toBe(400)
  })
})

it('nobody else makes one: neither without proof, nor for another’s, an account’s or one that is not there', async () => {
  const { connection, handle } = await byHandle()
  const { userId } = await server.makeUser('ada')
  const hers = await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId })
  const web = await server.makeClient({ client_id: 'web', scope: 'openid me vault' })
  const { tokens } = await codeFlow(server, web, 'ada', { extra: { scope: 'openid me vault' } })
  const status = async (form: Form, headers = {}) => (await ask('/vault/capability', form, headers)).status
  expect(await status({ connection })).toBe(400)
  expect(await status({ connection }, { authorization: robot.basic })).toBe(404)
  expect(await status({ connection: hers }, { authorization: robot.basic })).toBe(404)
  expect(await status({ connection: hers }, { authorization: `Bearer ${tokens.access_token}` })).toBe(400)
  expect(await status({ handle: `${handle.slice(0, -4)}AAAA` })).toBe(404)
  expect(await status({ handle, caveat: 'shop = 77' })).toBe(400)
  expect(await status({ handle, ttl: '99999999' })).toBe(400)
  expect(await status({ handle, caveat: `path = /${'x'.repeat(4000)}` })).toBe(400)
  await ask('/vault/revoke', { handle })
  expect(await status({ handle })).toBe(400)
})
