import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { fenceStore } from '../../src/store/fence-store.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { backup, restore } from '../faults/restore-replay.ts'
import { standingClock } from '../faults/replay.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, storedConnection } from './house.ts'

// After a restore or a failover: tokens may have been renewed or ended since, and each connection says so.

let folder: string
let etsy: Etsy
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-restored-'))
  etsy = await startEtsy()
})
afterAll(async () => {
  await etsy.close()
  rmSync(folder, { recursive: true, force: true })
})

const ask = (server: TestGatehouse, path: string, form: Readonly<Record<string, string>>): Promise<Answer> =>
  createBrowser(server.url).ask(path, { form })

async function connect(server: TestGatehouse, started: Readonly<Record<string, unknown>>): Promise<void> {
  const browser = createBrowser(server.url)
  const page = await browser.ask(String(started['connect_url']))
  const proof = { user_code: String(started['user_code']), confirm_mine: 'yes' }
  const left = await submit(browser, page, 'connect', proof)
  expect((await browser.ask(await consent(left.location ?? ''))).text).toContain('id="connected"')
}

/** A server with a connection of nobody's, and one of ada's whose token the provider has renewed after `before` was taken. */
async function begin(server: TestGatehouse) {
  const started = (await ask(server, '/vault/connect', { provider: 'etsy' })).json()
  await connect(server, started)
  const { userId } = await server.makeUser('ada')
  const hers = await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId })
  return { handle: String(started['handle']), id: String(started['connection']), hers }
}

/** Every connection says aloud what it needs, asks the provider nothing, and is whole again once its person has been there. */
async function expectMarked(server: TestGatehouse, { handle, id, hers }: Awaited<ReturnType<typeof begin>>) {
  const asked = etsy.askedAt('/v3/public/oauth/token').length
  const answer = await ask(server, '/vault/token', { handle })
  expect([answer.status, answer.json()['error']]).toEqual([400, 'needs_reauth'])
  for (const connection of [id, hers])
    expect(await server.core.vault.freshToken({ connection })).toEqual({ outcome: 'needs_reauth', reason: 'restored' })
  expect(etsy.askedAt('/v3/public/oauth/token').length).toBe(asked)
  const web = await server.makeClient({ client_id: `web-${asked}`, scope: 'openid me' })
  const { browser, tokens } = await codeFlow(server, web, 'ada', { extra: { scope: 'openid me' } })
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const listed = (await createBrowser(server.url).ask('/api/v1/me/connections', { headers })).json()['items']
  expect(listed).toMatchObject([{ connection_id: hers, state: 'needs_reauth', reason: 'restored' }])
  expect((await browser.ask('/account/connections')).text).toContain(`name="renew" value="${hers}"`)

  await connect(server, (await ask(server, '/vault/connect', { handle })).json())
  expect((await ask(server, '/vault/token', { handle })).status).toBe(200)
  expect((await storedConnection(server, id)).reason).toBeUndefined()
}

it('FLT-33: in a restored backup', async () => {
  const clock = standingClock()
  const config = { providers: [etsyProvider(etsy)] }
  const before = await startGatehouse({ store: { adapter: 'sqlite', path: join(folder, 'a.db') }, clock, config })
  const made = await begin(before)
  const lines = await backup({ store: before.core.transition.store, admin: before.core.admin }, clock)
  clock.advance(3700)
  expect((await before.core.vault.freshToken({ connection: made.hers })).outcome).toBe('token')
  const lost = await storedConnection(before, made.hers)
  await before.close()
  await restore(lines, join(folder, 'b.db'), clock)
  const listen = { host: '127.0.0.1', port: before.port }
  const server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(folder, 'b.db') },
    clock,
    config: { ...config, issuer: before.url, listen },
  })
  await expectMarked(server, made)
  // L19: nor does what was sealed since the backup open, put back into it.
  await transition(server.core.transition, { slot: ref('connection', made.hers) }, ({ slot }) => ({
    writes: [put(slot, lost, { expiresAt: null })],
    result: undefined,
  }))
  const answer = { outcome: 'needs_reauth', reason: 'unreadable' }
  expect(await server.core.vault.freshToken({ connection: made.hers })).toEqual(answer)
  // Nor on a server that has just started, where the backup knew of no later edition.
  await transition(server.core.transition, { slot: ref('connection', made.hers) }, ({ slot }) => ({
    writes: [put(slot, lost, { expiresAt: null })],
    result: undefined,
  }))
  const justStarted = createVault({ ...server.core, onError: () => undefined })
  expect(await justStarted.freshToken({ connection: made.hers })).toEqual(answer)
  await justStarted.close()
  await server.close()
})

it('FLT-11: in a store that was promoted without its latest commits, while it is served', async () => {
  const server = await startGatehouse({ config: { providers: [etsyProvider(etsy)] } })
  const made = await begin(server)
  const { transition, clock, random, admin } = server.core
  await fenceStore({ admin }, { store: transition.store, clock, random })
  await expectMarked(server, made)
  await server.close()
})

it('FLT-33: a start from before it is none any more: it may have been used, and what ended it is forgotten', async () => {
  const server = await startGatehouse({ config: { providers: [etsyProvider(etsy)] } })
  const { core, clock } = server
  const before = (await ask(server, '/vault/connect', { provider: 'etsy' })).json()
  clock.advance(2)
  await fenceStore({ admin: core.admin }, { store: core.transition.store, clock, random: core.random })
  const opened = await createBrowser(server.url).ask(String(before['connect_url']))
  const after = (await ask(server, '/vault/connect', { provider: 'etsy' })).json()
  const again = await createBrowser(server.url).ask(String(after['connect_url']))
  await server.close()
  expect([opened.status, again.status]).toEqual([400, 200])
})
