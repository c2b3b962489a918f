import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeClient } from '../../src/accounts/change-client.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, errorOf, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, keptTokens, storedConnection } from '../vault/house.ts'
import { attack, type House } from './support.ts'

// Family L of the vault that takes no browser: whose connection it is, for which client, and what stands where.

const scope = 'openid me vault vault:etsy'
let etsy: Etsy
let server: TestGatehouse
let house: House
let desk: MadeClient
let greedy: MadeClient
let connection: string
/** Access tokens by who and through which client. */
const tokens: Record<string, string> = {}
const browsers: Record<string, Browser> = {}
const provider = () => etsyProvider(etsy)

beforeAll(async () => {
  etsy = await startEtsy()
  server = await startGatehouse({ config: { providers: [provider()] } })
  desk = await server.makeClient({
    client_id: 'desk',
    scope,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  })
  greedy = await server.makeClient({
    client_id: 'greedy',
    scope,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  })
  const [ada] = [await server.makeUser('ada'), await server.makeUser('bob')]
  for (const [name, client, wanted] of [
    ['ada', desk, scope],
    ['bob', desk, scope],
    // She let it know her, and use the vault for nothing of Etsy.
    ['ada at greedy', greedy, 'openid me vault'],
  ] as const) {
    const flow = await codeFlow(server, client, name.split(' ')[0] ?? '', { extra: { scope: wanted } })
    tokens[name] = flow.tokens.access_token
    browsers[name] = flow.browser
  }
  connection = await connectDirectly(server, provider(), { kind: 'user', userId: ada.userId })
  const kept = await keptTokens(server, connection)
  house = {
    server,
    app: await server.makeClient(),
    secrets: [kept.access ?? '', kept.refresh ?? '', etsy.sharedSecret],
  }
})
afterAll(() => Promise.all([server.close(), etsy.close()]))

const ask = (
  path: string,
  token: string | undefined,
  more: { method?: string; form?: Record<string, string> } = {},
): Promise<Answer> =>
  createBrowser(server.url).ask(path, {
    ...more,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  })

const fetchToken = (id: string, token: string | undefined) => ask('/vault/token', token, { form: { connection: id } })

it('the owner, through the client that she agreed to, gets it', async () => {
  const answer = await fetchToken(connection, tokens['ada'])
  expect(answer.status, answer.text).toBe(200)
})

it('L04: with the browser that left but somebody else’s session, nothing is kept', async () => {
  const [owner, stranger] = [browsers['ada'], browsers['bob']]
  if (owner === undefined || stranger === undefined) throw new Error('no browsers')
  const begun = (await ask('/vault/connect', tokens['ada'], { form: { provider: 'etsy' } })).json()
  const page = await owner.ask(String(begun['connect_url']))
  const away = await submit(owner, page, 'connect', { decision: 'allow' })
  const callback = await consent(away.location ?? '')
  const mixed = createBrowser(server.url)
  for (const [from, part] of [
    [owner, 'browser'],
    [stranger, 'session'],
  ] as const)
    for (const [name, value] of from.cookies) if (name.endsWith(part)) mixed.cookies.set(name, value)
  const answer = await mixed.ask(callback)
  expect([answer.status, errorOf(answer.text)]).toEqual([400, 'invalid_request'])
  const fetched = await ask('/vault/token', undefined, { form: { handle: String(begun['handle']) } })
  expect(fetched.json()).toHaveProperty('error')
})

it('D26 secret-in-URL: no address on the way to a provider and back holds a secret, a token, a handle or somebody’s code', async () => {
  const owner = browsers['ada']
  if (owner === undefined) throw new Error('no browser')
  const begun = (await ask('/vault/connect', tokens['ada'], { form: { provider: 'etsy' } })).json()
  const [start, handle] = [String(begun['connect_url']), String(begun['handle'])]
  const page = await owner.ask(start)
  const away = await submit(owner, page, 'connect', { decision: 'allow' })
  const callback = await consent(away.location ?? '')
  const code = new URL(callback, server.url).searchParams.get('code') ?? ''
  expect(code).not.toBe('')
  const done = await owner.ask(callback)
  expect(done.status).toBeLessThan(400)
  const kept = await fetchTokenOf(handle)
  const addresses = [start, away.location ?? '', callback, done.location ?? '']
  const cookies = [...owner.cookies.values()]
  const secrets = [etsy.sharedSecret, tokens['ada'] ?? '', desk.secret, handle, kept, ...cookies]
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(7)
    for (const address of addresses) expect(address).not.toContain(secret)
  }
  // The provider's code goes no further than to us.
  for (const address of [start, away.location ?? '', done.location ?? '']) expect(address).not.toContain(code)
  expect(done.text).not.toContain(code)
})

async function fetchTokenOf(handle: string): Promise<string> {
  const answer = await ask('/vault/token', undefined, { form: { handle } })
  expect(answer.status, answer.text).toBe(200)
  return String(answer.json()['access_token'])
}

describe('L13 idor', () => {
  it('another account gets, sees and ends nothing; it looks like what isn’t there', async () => {
    const missing = `${connection.slice(0, -4)}AAAA`
    for (const path of [`/api/v1/me/connections/${connection}`, `/vault/proxy/${connection}/v3/application/users/me`]) {
      const [theirs, none] = [
        await attack(house, () => ask(path, tokens['bob'])),
        await ask(path.replace(connection, missing), tokens['bob']),
      ]
      expect([theirs.status, theirs.text], path).toEqual([none.status, none.text])
      expect(theirs.status).toBeGreaterThanOrEqual(400)
    }
    const fetched = await attack(house, () => fetchToken(connection, tokens['bob']))
    const none = await fetchToken(missing, tokens['bob'])
    expect([fetched.status, fetched.text]).toEqual([none.status, none.text])
    const ended = await attack(house, () =>
      ask(`/api/v1/me/connections/${connection}`, tokens['bob'], { method: 'DELETE' }),
    )
    expect(ended.status).toBe(404)
    expect((await storedConnection(server, connection)).state).toBe('active')
    expect((await ask('/api/v1/me/connections', tokens['bob'])).text).not.toContain(connection)
  })

  it('a client’s own token opens no account’s connection', async () => {
    const own = await createBrowser(server.url).ask('/oauth/token', {
      form: { grant_type: 'client_credentials', scope: 'vault' },
      headers: { authorization: desk.basic },
    })
    const token = own.status === 200 ? String(own.json()['access_token']) : undefined
    const answer = await attack(house, () => fetchToken(connection, token))
    expect([400, 401, 403, 404]).toContain(answer.status)
  })
})

it('L14 consent-skip: what she let one client use, another of hers may not', async () => {
  const answer = await attack(house, () => fetchToken(connection, tokens['ada at greedy']))
  expect([400, 403, 404]).toContain(answer.status)
  const proxied = await attack(house, () =>
    ask(`/vault/proxy/${connection}/v3/application/users/me`, tokens['ada at greedy']),
  )
  expect([400, 401, 404]).toContain(proxied.status)
})

describe('A31 dead-client: a handle is worth what the client is that has it', () => {
  it.each([
    ['that is switched off', 'off', { disabled: true }],
    ['that lost the scope vault', 'poor', { scope: 'openid me' }],
  ])('a client %s fetches and calls nothing', async (_what, clientId, fields) => {
    const shop = await server.makeClient({ client_id: clientId, scope })
    const { tokens: got, browser } = await codeFlow(server, shop, 'ada', { extra: { scope } })
    const begun = (await ask('/vault/connect', got.access_token, { form: { provider: 'etsy' } })).json()
    const [handle, id] = [String(begun['handle']), String(begun['connection'])]
    const page = await browser.ask(String(begun['connect_url']))
    const away = await submit(browser, page, 'connect', { decision: 'allow' })
    await browser.ask(await consent(away.location ?? ''))
    const uses = () =>
      Promise.all([
        ask('/vault/token', undefined, { form: { handle } }),
        ask(`/vault/proxy/${id}/v3/application/users/me`, handle),
      ])
    expect((await uses()).map(({ status }) => status)).toEqual([200, 200])
    const changed = await changeClient(server.core, { actor: { kind: 'cli' }, clientId, fields: { ...fields } })
    expect(changed).toHaveProperty('done')
    for (const one of await attack(house, uses)) expect(one.status, one.text).toBe(400)
  })
})

it('L15 passthrough: Etsy’s token is no token of ours, and ours never goes to Etsy', async () => {
  const { access } = await keptTokens(server, connection)
  for (const path of ['/oauth/userinfo', '/api/v1/me', `/vault/proxy/${connection}/v3/application/users/me`]) {
    const answer = await ask(path, access)
    expect(answer.status, path).toBe(401)
  }
  const before = etsy.asked.length
  const proxied = await ask(`/vault/proxy/${connection}/v3/application/users/me`, tokens['ada'])
  expect(proxied.status, proxied.text).toBe(200)
  for (const { headers } of etsy.asked.slice(before)) expect(JSON.stringify(headers)).not.toContain(tokens['ada'])
})

it('L21 dead-upstream-grant: one attempt, said aloud, and never a second', async () => {
  const id = await connectDirectly(server, provider(), { kind: 'user', userId: (await server.makeUser('eve')).userId })
  const eve = (await codeFlow(server, desk, 'eve', { extra: { scope } })).tokens.access_token
  server.clock.advance(3590)
  const token = (await codeFlow(server, desk, 'eve', { extra: { scope } })).tokens.access_token
  void eve
  etsy.revokeAll()
  const before = etsy.refreshes()
  for (let times = 0; times < 5; times += 1)
    expect((await fetchToken(id, token)).json()).toMatchObject({ error: 'needs_reauth' })
  expect(etsy.refreshes()).toBe(before + 1)
})
