import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeClient } from '../../src/accounts/change-client.ts'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { put, ref } from '../../src/domain/record.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { transition } from '../../src/store/transition.ts'
import { mintCapability } from '../../src/vault/mint-capability.ts'
import { renewable } from '../../src/vault/renewable.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, storedConnection } from './house.ts'

// Connections of somebody who may have them no more, or not from where he asks.

let folder: string
let etsy: Etsy
let server: TestGatehouse
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-no-longer-'))
  etsy = await startEtsy()
  server = await startGatehouse({ ...options(), config: { providers: [etsyProvider(etsy)] } })
})
afterAll(async () => {
  await Promise.all([server.close(), etsy.close()])
  rmSync(folder, { recursive: true })
})

const options = () => ({ store: { adapter: 'sqlite', path: join(folder, 'store.db') } }) as const

type Form = Readonly<Record<string, string>>
type Start = Readonly<Record<'handle' | 'connect_url' | 'user_code' | 'connection', string>>

const ask = (path: string, form: Form, headers = {}, at = server): Promise<Answer> =>
  createBrowser(at.url).ask(path, { form, headers })
const proxied = (id: string, token: string, headers = {}, at = server): Promise<Answer> =>
  createBrowser(at.url).ask(`/vault/proxy/${id}/v3/application/openapi-ping`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  })
const wire = (answer: Answer): readonly unknown[] => [answer.status, answer.json()['error']]
const cli = { kind: 'cli' } as const

const start = async (headers = {}): Promise<Start> =>
  (await ask('/vault/connect', { provider: 'etsy' }, headers)).json() as Start

async function connect(started: Start, browser: Browser = createBrowser(server.url)): Promise<Start> {
  const page = await browser.ask(started.connect_url)
  const shown = { decision: 'allow', user_code: started.user_code, confirm_mine: 'yes' }
  await browser.ask(await consent((await submit(browser, page, 'connect', shown)).location ?? ''))
  return started
}

const robot = (client_id: string): Promise<MadeClient> =>
  server.makeClient({ client_id, scope: 'vault read', grant_types: ['client_credentials'], redirect_uris: [] })

describe('a provider whose entry takes connections of nobody no more', () => {
  it('lets no start go on, and nobody use what was connected by a handle alone', async () => {
    const [open, done] = [await start(), await connect(await start())]
    const config = { providers: [etsyProvider(etsy, { anonymous: false })] }
    const after = await startGatehouse({ ...options(), clock: server.clock, config })
    try {
      const page = await createBrowser(after.url).ask(new URL(open.connect_url).pathname)
      expect([page.status, page.text.includes('data-error="access_denied"')]).toEqual([400, true])
      expect(wire(await ask('/vault/token', { handle: done.handle }, {}, after))).toEqual([404, 'invalid_request'])
      expect((await proxied(done.connection, done.handle, {}, after)).status).toBe(404)
    } finally {
      await after.close()
    }
    expect((await ask('/vault/token', { handle: done.handle })).status).toBe(200)
  })
})

describe('a client', () => {
  it('that lost the scope vault makes no capability and renews nothing, by its handle either', async () => {
    const { basic, clientId } = await robot('demoted')
    const { handle } = await connect(await start({ authorization: basic }))
    expect((await ask('/vault/capability', { handle })).status).toBe(201)
    expect((await ask('/vault/connect', { handle })).status).toBe(201)
    await changeClient(server.core, { actor: cli, clientId, fields: { scope: 'read' } })
    expect(wire(await ask('/vault/capability', { handle }))).toEqual([400, 'access_denied'])
    expect(wire(await ask('/vault/connect', { handle }))).toEqual([400, 'unauthorized_client'])
  })

  it('makes a capability for its person by a token with the scope vault, not by a narrower one of the same sign-in', async () => {
    await server.makeUser('paula')
    const client = await server.makeClient({ client_id: 'narrowed', scope: 'openid me vault' })
    const { browser, tokens } = await codeFlow(server, client, 'paula', { extra: { scope: 'openid me vault' } })
    const { connection } = await connect(await start({ authorization: `Bearer ${tokens.access_token}` }), browser)
    const make = async (token: string) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ format: 'macaroon', connection })
      return (await createBrowser(server.url).ask('/api/v1/me/tokens', { headers, body })).status
    }
    expect(await make(tokens.access_token)).toBe(201)
    const { tokens: narrower } = await codeFlow(server, client, 'paula', { browser, extra: { scope: 'openid me' } })
    expect(await make(narrower.access_token)).toBe(403)
  })

  it('that is switched off is nobody to the vault, whoever asks on its behalf', async () => {
    const { clientId } = await robot('retired')
    const connection = await connectDirectly(server, etsyProvider(etsy), { kind: 'client', clientId })
    expect((await server.core.vault.freshToken({ connection })).outcome).toBe('token')
    await changeClient(server.core, { actor: cli, clientId, fields: { disabled: true } })
    expect(await server.core.vault.freshToken({ connection })).toEqual({ outcome: 'unknown' })
  })

  it('of one machine alone shows its people’s tokens from there, and from nowhere else', async () => {
    await server.makeUser('otto')
    const local = await server.makeClient({ client_id: 'local', loopback_only: true, scope: 'openid me vault' })
    const { browser, tokens } = await codeFlow(server, local, 'otto', { extra: { scope: 'openid me vault' } })
    const authorization = { authorization: `Bearer ${tokens.access_token}` }
    const { connection } = await connect(await start(authorization), browser)
    const statuses = async (from: object) => [
      (await ask('/vault/token', { connection }, { ...authorization, ...from })).status,
      (await proxied(connection, tokens.access_token, from)).status,
    ]
    expect(await statuses({})).toEqual([200, 200])
    expect(await statuses({ 'x-forwarded-for': '198.51.100.7' })).toEqual([401, 401])
  })

  it('has room for so many capabilities of one connection, and waits then', async () => {
    const { connection, handle } = await connect(await start())
    while (!('retryAfterSeconds' in server.core.limits.reserve('own-token', [connection])));
    const refused = await ask('/vault/capability', { handle })
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([429, 60])
  })
})

describe('a person', () => {
  it('whose tokens were all revoked is asked again before a client fetches anything for him', async () => {
    const { userId } = await server.makeUser('ada')
    const web = await server.makeClient({ client_id: 'web', scope: 'openid me vault' })
    const { browser, tokens } = await codeFlow(server, web, 'ada', { extra: { scope: 'openid me vault' } })
    const { handle } = await connect(await start({ authorization: `Bearer ${tokens.access_token}` }), browser)
    expect((await ask('/vault/token', { handle })).status).toBe(200)
    await revokeTokens(server.core, { actor: cli, userId })
    expect(wire(await ask('/vault/token', { handle }))).toEqual([400, 'access_denied'])
  })
})

describe('a connection', () => {
  it('that waits for the code of the last page yet has no capabilities, whoever mints', async () => {
    const { connection } = await connect(await start())
    await transition(server.core.transition, { slot: ref('connection', connection) }, ({ slot }) => {
      const confirmation = { mac: 'of a code', keyId: 'k', attempts: 0, until: server.clock.seconds() + 600 }
      return { writes: [put(slot, { ...slot.value, confirmation } as never, { expiresAt: null })], result: undefined }
    })
    expect(await mintCapability(server.core, { connection, caveats: [] })).toMatchObject({
      error: 'authorization_pending',
    })
  })

  it('of an account gets its capabilities from the account alone, whoever mints', async () => {
    const owner = { kind: 'user', userId: (await server.makeUser('eve')).userId } as const
    const connection = await connectDirectly(server, etsyProvider(etsy), owner)
    expect(await mintCapability(server.core, { connection, caveats: [] })).toMatchObject({ error: 'access_denied' })
  })

  it('that was recalled is not renewed, but begun anew', async () => {
    const { connection } = await connect(await start())
    const stored = await storedConnection(server, connection)
    const instance = await server.core.directory.instance()
    const recalls = { etsy: { count: 1, at: server.clock.seconds(), actor: 'test' } }
    const directory = { ...server.core.directory, instance: () => Promise.resolve({ ...instance, recalls }) }
    expect(isRefusal(await renewable(server.core, stored, undefined))).toBe(false)
    expect(await renewable({ ...server.core, directory }, stored, undefined)).toMatchObject({ error: 'expired_token' })
  })
})
