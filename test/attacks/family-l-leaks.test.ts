import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Kind } from '../../src/domain/record.ts'
import { consent, type Asked, type Reply } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, submit, tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, expire, keptTokens } from '../vault/house.ts'
import { attack, type House } from './support.ts'

// L16 leak-paths: what a token endpoint repeats of our credentials, at every entrance that asks it.

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const resource = 'https://tools.example'
const scope = 'openid me vault vault:etsy'
let etsy: Etsy
let server: TestGatehouse
let house: House
let desk: MadeClient
let tools: MadeClient
let ada: { readonly userId: string; readonly browser: Browser; readonly token: string; readonly shown: string }
/** Made for one case: through it, and by these tokens of it, an entrance comes to ask. */
let connection: string

beforeAll(async () => {
  etsy = await startEtsy()
  server = await startGatehouse({ config: { providers: [etsyProvider(etsy, { sign_in: 'create' })] } })
  await server.makeResource({ resource, scope: 'vault:etsy', introspection_clients: ['tools'] })
  desk = await server.makeClient({ client_id: 'desk', scope })
  tools = await server.makeClient({
    client_id: 'tools',
    grant_types: ['authorization_code', grant],
    scope: 'openid vault:etsy',
  })
  const { userId } = await server.makeUser('ada')
  const browser = createBrowser(server.url)
  await codeFlow(server, tools, 'ada', { browser, extra: { scope: 'openid vault:etsy' } })
  ada = { userId, browser, token: '', shown: '' }
  house = { server, app: await server.makeClient(), secrets: [etsy.sharedSecret] }
})
afterAll(() => Promise.all([server.close(), etsy.close()]))

const ask = (path: string, form?: Readonly<Record<string, string>>): Promise<Answer> =>
  createBrowser(server.url).ask(path, { headers: { authorization: `Bearer ${ada.token}` }, ...(form && { form }) })

/** Leaves for the provider, agrees, and is about to come back. */
async function leave(browser: Browser, away: Answer): Promise<() => Promise<Answer>> {
  const callback = await consent(away.location ?? '')
  return () => browser.ask(callback)
}

type Entrance = {
  readonly name: string
  readonly writes: readonly Kind[]
  /** What the provider gets to see, by its name in the form. */
  readonly sent: readonly string[]
  readonly statuses: readonly number[]
  readonly prepare: () => Promise<() => Promise<Answer>>
}

const renewing = { writes: ['event', 'connection'], sent: ['refresh_token'], statuses: [400, 503] } as const
const first = { writes: ['event', 'connection', 'flow'], sent: ['code', 'code_verifier'] } as const

const entrances: readonly Entrance[] = [
  {
    ...renewing,
    name: 'a fetch',
    prepare: async () => () => ask('/vault/token', { connection }),
  },
  {
    ...renewing,
    name: 'a call through the proxy',
    prepare: async () => () => ask(`/vault/proxy/${connection}/v3/application/users/me`),
  },
  {
    ...renewing,
    name: 'a token exchange (RFC 8693)',
    prepare: async () => () =>
      tokenRequest(server, tools, {
        grant_type: grant,
        subject_token: ada.shown,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'etsy',
        connection,
      }),
  },
  {
    ...first,
    name: 'the first exchange of a connection',
    statuses: [400, 502, 503],
    prepare: async () => {
      const started = (await ask('/vault/connect', { provider: 'etsy' })).json()
      const page = await ada.browser.ask(String(started['connect_url']))
      return leave(ada.browser, await submit(ada.browser, page, 'connect', { decision: 'allow' }))
    },
  },
  {
    ...first,
    name: 'the first exchange of a sign-in',
    statuses: [303],
    prepare: async () => {
      const browser = createBrowser(server.url)
      return leave(browser, await browser.ask('/signin/with/etsy'))
    },
  },
]

/** Tokens of an answer that is refused all the same. */
const refused = { access_token: '123456789.canary-of-access', refresh_token: '123456789.canary-of-refresh' }

const echoes: Readonly<Record<string, (secret: string) => Reply>> = {
  'in a description': (secret) => ({
    status: 400,
    json: { error: 'invalid_request', error_description: `bad token ${secret}` },
  }),
  'as an error code': (secret) => ({ status: 400, json: { error: secret } }),
  'as the reason of an end': (secret) => ({
    status: 400,
    json: { error: 'invalid_grant', error_uri: `/x?${secret}` },
  }),
  'in a 500': (secret) => ({ status: 500, text: `at exchange(${secret})` }),
  'in a page': (secret) => ({ text: `<html>${secret}</html>` }),
  'in a member of another type': (secret) => ({ json: { ...refused, access_token: [secret], token_type: 'Bearer' } }),
  'as a token type': (secret) => ({ json: { ...refused, token_type: secret } }),
  'in a redirect': (secret) => ({ status: 302, headers: { location: `https://evil.example/?${secret}` }, text: '' }),
  'in a 401': (secret) => ({ status: 401, headers: { 'www-authenticate': `Basic realm="${secret}"` }, text: secret }),
}

describe.each(entrances)('L16 leak-paths at $name: what the provider repeats', (entrance) => {
  beforeAll(async () => {
    const tokenFor = async (extra: Readonly<Record<string, string>>): Promise<string> =>
      (await codeFlow(server, desk, 'ada', { browser: ada.browser, extra })).tokens.access_token
    ada = { ...ada, token: await tokenFor({ scope }), shown: await tokenFor({ resource, scope: 'vault:etsy' }) }
  })
  beforeEach(async () => {
    // So long that nobody leaves a provider alone any more that has failed before.
    server.clock.advance(61)
    connection = await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId: ada.userId })
    await expire(server, connection)
  })

  it.each(Object.keys(echoes))('%s reaches nobody: no answer, no log, no event, no metric', async (how) => {
    const { access, refresh = '' } = await keptTokens(server, connection)
    const canaries = [access, refresh, ...Object.values(refused)]
    const send = await entrance.prepare()
    etsy.faults.push(({ form }: Asked) => {
      const sent = entrance.sent.map((name) => form.get(name) ?? '')
      canaries.push(...sent)
      return echoes[how]?.(sent.join('.')) ?? {}
    })
    const seen = await attack(house, send, { writes: entrance.writes, secrets: canaries })
    expect(entrance.statuses, seen.text).toContain(seen.status)
    expect([etsy.faults, canaries.length]).toEqual([[], 4 + entrance.sent.length])
  })
})
