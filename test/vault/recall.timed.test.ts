import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { connectionOwners, type HeldConnection } from '../../src/domain/connection.ts'
import { create, ref } from '../../src/domain/record.ts'
import { commitNew } from '../../src/store/transition.ts'
import { recallConnections, recallProgress } from '../../src/vault/recall-connections.ts'
import { sealedAs } from '../../src/vault/renew.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { etsyProvider } from './house.ts'

const count = Number(process.env['GATEHOUSE_CONNECTIONS'] ?? 100_000)

let server: TestGatehouse
let folder: string
let provider: OAuthProvider
beforeAll(async () => {
  provider = etsyProvider({ url: 'http://127.0.0.1:9', keystring: 'key', sharedSecret: 'shared' })
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-recall-'))
  server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(folder, 'gatehouse.db') },
    config: { providers: [provider] },
  })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

/** Connections whose tokens hold; some of their ids. */
async function connections(): Promise<readonly string[]> {
  const { core } = server
  const { instanceId } = await core.directory.instance()
  const now = core.clock.seconds()
  const sample: string[] = []
  for (let made = 0; made < count; made += 200) {
    const writes = Array.from({ length: Math.min(200, count - made) }, () => {
      const id = core.random.id(core.clock.millis())
      if (sample.length * 1000 <= made) sample.push(id)
      const tokens = {
        accessToken: secretValue(`1.${id}`),
        tokenType: 'Bearer',
        scope: [],
        expiresAt: now + 36_000,
      } as const
      const every = { v: 1, provider: 'etsy', owner: { kind: 'handle' }, account: '1', state: 'active' } as const
      const sealed = sealedAs(core, { instanceId, id, edition: 1, tokens, now })
      const value: HeldConnection = { ...every, ...sealed, createdAt: now, updatedAt: now, lastUsedAt: now }
      return create(ref('connection', id), value, { owners: connectionOwners(value), expiresAt: null })
    })
    await commitNew(core.transition, writes)
  }
  return sample
}

it(`L25: ${count} connections are worth nothing at once, and each is ended while others are served`, async () => {
  const sample = await connections()
  const { core } = server
  const outcomes = async () =>
    new Set(await Promise.all(sample.map(async (connection) => (await core.vault.freshToken({ connection })).outcome)))
  expect(await outcomes()).toEqual(new Set(['token']))
  const began = performance.now()
  await recallConnections(core, { actor: { kind: 'cli' }, provider: 'etsy' })
  expect(await outcomes()).toEqual(new Set(['revoked']))
  const atOnce = performance.now() - began

  core.vault.finishRecalls()
  const waits: number[] = []
  for (;;) {
    const asked = performance.now()
    await fetch(`${server.url}/readyz`)
    waits.push(performance.now() - asked)
    const { recalls } = (await core.transition.store.read([ref('instance', 'self')]))[0]!.value as never as {
      recalls: Record<string, { finishedAt?: number }>
    }
    if (recalls['etsy']?.finishedAt !== undefined) break
  }
  const took = performance.now() - began
  const { left, waiting } = await recallProgress(core, 'etsy')
  const slowest = waits.toSorted((a, b) => a - b).at(Math.floor(waits.length * 0.99)) ?? 0
  console.log(
    `L25: ${count} connections dead after ${Math.round(atOnce)} ms, ended after ${(took / 1000).toFixed(1)} s; ${waiting} to be given back; others' p99 ${slowest.toFixed(0)} ms`,
  )
  expect(left).toBe(0)
  // All that anybody feels of it.
  expect(atOnce).toBeLessThan(60_000)
  expect(took).toBeLessThan(10 * 60_000)
  expect(slowest).toBeLessThan(500)
})
