import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ref } from '../../src/domain/record.ts'
import { createUpstream } from '../../src/upstream/create-upstream.ts'
import { createVault, type Vault } from '../../src/vault/create-vault.ts'
import type { FreshToken } from '../../src/vault/fresh-token.ts'
import { startEmulator, type Emulator } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, eventsOf, keptTokens, storedConnection } from './house.ts'

let folder: string
let etsy: Etsy
let revoking: Emulator
let provider: OAuthProvider
let server: TestGatehouse

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-unknown-'))
  etsy = await startEtsy()
  revoking = await startEmulator(() => ({ json: {} }))
  provider = etsyProvider(etsy, { revocation_endpoint: `${revoking.url}/revoke` })
  server = await startGatehouse({ ...options(), config: { providers: [provider] } })
})
afterAll(async () => {
  await Promise.all([server.close(), etsy.close(), revoking.close()])
  rmSync(folder, { recursive: true })
})

const options = () => ({ store: { adapter: 'sqlite', path: join(folder, 'store.db') } }) as const

/** A node of the same house whose rings lack the key that seals now, however often it reads them. */
function keylessNode(core: TestGatehouse['core'], lacks: string): Vault {
  const keys = {
    ...core.keys,
    secretById: (...[ring, keyId]: Parameters<typeof core.keys.secretById>) =>
      keyId === lacks ? undefined : core.keys.secretById(ring, keyId),
    learn: () => Promise.resolve(true),
  }
  const { outbound } = core.upstream
  const upstream = createUpstream({ ...core, outbound, keys, providers: [provider] })
  return createVault({ ...core, upstream, onError: () => undefined })
}

const accessOf = (token: FreshToken): string =>
  token.outcome === 'token' ? token.accessToken.reveal() : JSON.stringify(token)

const keyUnknown = { outcome: 'unavailable', retryAfter: 1, reason: 'connection_key' }

it('a node that was not told of a new key at rest reads the rings again, and ends nothing', async () => {
  const other = await startGatehouse({ ...options(), clock: server.clock, config: { providers: [provider] } })
  try {
    const [renewed, over] = [await connectDirectly(server, provider), await connectDirectly(server, provider)]
    expect(accessOf(await other.core.vault.freshToken({ connection: renewed }))).toContain('123456789.')
    const { keys, vault } = server.core
    const { keyId: next } = await keys.rotate('at-rest')
    server.clock.advance(11)
    await keys.tick()
    for (const connection of [renewed, over])
      expect((await vault.freshToken({ connection, rejected: 1 })).outcome).toBe('token')
    expect((await storedConnection(server, over)).keyId).toBe(next)

    const fetched = await other.core.vault.freshToken({ connection: renewed })
    expect(accessOf(fetched)).toBe((await keptTokens(server, renewed)).access)
    const again = await other.core.vault.freshToken({ connection: over, rejected: 2 })
    expect(accessOf(again)).toBe((await keptTokens(server, over)).access)
    expect((await storedConnection(server, over)).edition).toBe(3)
  } finally {
    await other.close()
  }
})

it('a key that stays unknown to one node: 503 there, nothing is written, nobody is asked, and the others go on', async () => {
  const id = await connectDirectly(server, provider)
  const { keyId } = await storedConnection(server, id)
  const keyless = keylessNode(server.core, keyId)
  const before = await server.core.transition.store.read([ref('connection', id)])
  const asked = etsy.refreshes()
  expect(await keyless.freshToken({ connection: id })).toEqual(keyUnknown)
  expect(await keyless.freshToken({ connection: id, rejected: 1 })).toEqual(keyUnknown)
  server.clock.advance(4000)
  expect(await keyless.freshToken({ connection: id })).toEqual(keyUnknown)
  expect(await server.core.transition.store.read([ref('connection', id)])).toEqual(before)
  expect([etsy.refreshes() - asked, await eventsOf(server, id)]).toEqual([0, []])
  expect((await server.core.vault.freshToken({ connection: id })).outcome).toBe('token')
  await keyless.close()
})

it('an errand whose tokens one node can not open waits for one that can', async () => {
  const id = await connectDirectly(server, provider)
  const { access, refresh } = await keptTokens(server, id)
  const { keyId } = await storedConnection(server, id)
  revoking.asked.length = 0
  const keyless = keylessNode(server.core, keyId)
  // The keyless node is the one that hears of it, and comes back to it as long as it runs.
  await keyless.disconnect(id, { connection: await storedConnection(server, id), by: { actor: 'test' } })
  const errands = async () => {
    const found: number[] = []
    for await (const { value } of server.core.admin.scan('revocation'))
      if (value.v === 1 && 'connectionId' in value && value.connectionId === id) found.push(value.attempts)
    return found
  }
  await expect.poll(errands).toEqual([1])
  await keyless.close()
  expect([await errands(), await eventsOf(server, id)]).toEqual([[1], ['connection.revoked']])
  server.clock.advance(120)
  const node = createVault({ ...server.core, onError: () => undefined })
  await expect.poll(() => eventsOf(server, id)).toEqual(['connection.revoked', 'connection.given_back'])
  expect(revoking.asked.map(({ form }) => form.get('token'))).toEqual([refresh, access])
  await node.close()
})
