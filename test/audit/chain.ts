import { createRandom } from '../../src/crypto/random.ts'
import type { AuditEvent } from '../../src/domain/event.ts'
import { append } from '../../src/domain/record.ts'
import { chainRef } from '../../src/domain/seal.ts'
import { sweepStore } from '../../src/audit/sweep-store.ts'
import { sealStep, type SealContext } from '../../src/audit/seal-events.ts'
import { verifyChain, type ChainProof, type ChainReport } from '../../src/audit/verify-chain.ts'
import { walkChain, type ChainItem } from '../../src/audit/walk-chain.ts'
import { ensureInstance } from '../../src/store/ensure-instance.ts'
import { readAlive } from '../../src/store/read-alive.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { OpenStore } from '../../src/store/port.ts'

const start = 1_700_000_000

/** A store with events of a clock that tests own. */
export type Chronicle = {
  readonly opened: OpenStore
  readonly clock: { readonly millis: () => number; readonly seconds: () => number; readonly monotonic: () => number }
  readonly advance: (seconds: number) => void
  readonly node: (holder: string) => SealContext
  /** Events at the time that it is, or so many seconds ago. */
  readonly happen: (count: number, ago?: number) => Promise<readonly string[]>
  readonly sealAll: (holder?: string, keep?: number) => Promise<number>
  readonly items: () => Promise<ChainItem[]>
  /** As an upkeep does it. */
  readonly sweepAll: () => Promise<void>
  readonly verify: (proof?: Partial<ChainProof>) => Promise<ChainReport>
}

export async function openChronicle(opened: OpenStore = openMemoryStore(), from = start): Promise<Chronicle> {
  let millis = from * 1000
  const clock = { millis: () => millis, seconds: () => Math.floor(millis / 1000), monotonic: () => millis }
  const random = createRandom()
  const transition = { store: opened.store, clock, random }
  const { instanceId } = await ensureInstance(transition, { clock, random })
  const node = (holder: string): SealContext => ({ transition, clock, holder })
  async function* walk(): AsyncGenerator<ChainItem> {
    const chain = await readAlive(opened.store, chainRef, clock.seconds())
    const retention = chain?.retention === undefined ? {} : { retention: chain.retention }
    yield* walkChain(opened.admin, { instanceId, at: clock.seconds(), ...retention })
  }
  return {
    opened,
    clock,
    advance: (seconds) => void (millis += seconds * 1000),
    node,
    happen: async (count, ago = 0) => {
      const ids: string[] = []
      for (let index = 0; index < count; index += 1) {
        millis += 1
        const at = millis - ago * 1000
        const event: AuditEvent = { v: 1, type: 'token.issued', at: Math.floor(at / 1000), jti: random.stamp() }
        const id = random.id(at)
        await opened.store.commit([append(id, event) as never])
        ids.push(id)
      }
      return ids
    },
    sweepAll: async () => {
      while ((await sweepStore(opened.store, clock.seconds(), 1000)) > 0);
    },
    sealAll: async (holder = 'one', keep) => {
      for (let sealed = 0; ;) {
        const step = await sealStep({ ...node(holder), ...(keep !== undefined && { keep }) })
        if (step.is === 'sealed') sealed += 1
        else if (step.is !== 'looked') return sealed
      }
    },
    items: () => all(walk()),
    verify: (proof) => verifyChain(walk(), { now: clock.seconds, ...proof }),
  }
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

export async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
