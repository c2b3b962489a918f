import { deepEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quantile } from '../../bench/report/statistics.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { connectionOwners, type HeldConnection } from '../../src/domain/connection.ts'
import type { Instance } from '../../src/domain/instance.ts'
import { create, ref } from '../../src/domain/record.ts'
import { commitNew } from '../../src/store/transition.ts'
import { recallConnections, recallProgress } from '../../src/vault/recall-connections.ts'
import { sealedAs } from '../../src/vault/renew.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { etsyProvider } from './house.ts'

export type Recalled = {
  /** From the call until none of them gave a token any more. */
  readonly deadMillis: number
  /** From the call until each was ended. */
  readonly endedMillis: number
  /** Tokens that are to be given back to the provider. */
  readonly waiting: number
  /** 99 of a hundred requests of others took at most so long meanwhile. */
  readonly othersMillis: number
}

/** L25, for the test and for `npm run bench -- vault-recall`: one call ends so many connections of a provider, on SQLite. */
export async function recallMany(count: number): Promise<Recalled> {
  const provider = etsyProvider({ url: 'http://127.0.0.1:9', keystring: 'key', sharedSecret: 'shared' })
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-recall-'))
  const server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(folder, 'gatehouse.db') },
    config: { providers: [provider] },
  })
  try {
    return await recall(server, await connections(server, count))
  } finally {
    await server.close()
    rmSync(folder, { recursive: true })
  }
}

/** Connections whose tokens hold; some of their ids. */
async function connections({ core }: TestGatehouse, count: number): Promise<readonly string[]> {
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

async function recall({ core, url }: TestGatehouse, sample: readonly string[]): Promise<Recalled> {
  const outcomes = async () => [
    ...new Set(
      await Promise.all(sample.map(async (connection) => (await core.vault.freshToken({ connection })).outcome)),
    ),
  ]
  deepEqual(await outcomes(), ['token'])
  const began = performance.now()
  await recallConnections(core, { actor: { kind: 'cli' }, provider: 'etsy' })
  deepEqual(await outcomes(), ['revoked'])
  const deadMillis = performance.now() - began

  core.vault.finishRecalls()
  const waits: number[] = []
  for (;;) {
    const asked = performance.now()
    await fetch(`${url}/readyz`)
    waits.push(performance.now() - asked)
    const [instance] = await core.transition.store.read([ref('instance', 'self')])
    const { recalls } = (instance?.value ?? {}) as Partial<Instance>
    if (recalls?.['etsy']?.finishedAt !== undefined) break
  }
  const endedMillis = performance.now() - began
  const { left, waiting } = await recallProgress(core, 'etsy')
  deepEqual(left, 0)
  const othersMillis = quantile(waits, 0.99)
  return { deadMillis, endedMillis, waiting, othersMillis }
}
