import { createRandom } from '../../src/crypto/random.ts'
import { deriveMacKey } from '../../src/crypto/mac.ts'
import type { AuditEvent } from '../../src/domain/event.ts'
import { keyLifetimes, type KeyLifetimes } from '../../src/domain/key-lifecycle.ts'
import type { KeyEvent } from '../../src/keys/context.ts'
import { openKeys, type Keys } from '../../src/keys/keys.ts'
import { protectWith, type Protection } from '../../src/keys/protection.ts'
import type { Clock } from '../../src/protocol/time.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { OpenStore, Store } from '../../src/store/port.ts'

export const start = 1_800_000_000

export type FakeClock = Clock & { readonly advance: (seconds: number) => void }

export function fakeClock(at = start): FakeClock {
  let now = at
  return {
    millis: () => now * 1000,
    seconds: () => Math.floor(now),
    monotonic: () => now * 1000,
    advance: (seconds) => {
      now += seconds
    },
  }
}

/** Short enough to step through by hand. */
export const shortTimes: KeyLifetimes = {
  jwksMaxAge: 300,
  nodeLag: 10,
  rotateAfter: 10_000,
  announceAhead: 1000,
  protects: { ...keyLifetimes.protects, 'signing-ES256': 900, 'token-seal': 900, mac: 5000 },
}

export const random = createRandom()

export function protectedBy(secret: string, instanceId = 'instance'): Protection {
  return protectWith(deriveMacKey(secret, 'test'), 'the test secret', { instanceId, random })
}

export type Node = { readonly keys: Keys; readonly events: readonly KeyEvent[] }

/** One process on a store. */
export async function startNode(
  store: Store,
  clock: Clock,
  options: { readonly protection?: Protection; readonly lifetimes?: KeyLifetimes } = {},
): Promise<Node> {
  const events: KeyEvent[] = []
  const { protection = protectedBy('secret'), lifetimes = shortTimes } = options
  const keys = await openKeys({ store, clock, random, protection, lifetimes, onEvent: (event) => events.push(event) })
  return { keys, events }
}

export function memory(): OpenStore {
  return openMemoryStore()
}

export async function auditEvents({ admin }: OpenStore): Promise<readonly AuditEvent[]> {
  const events: AuditEvent[] = []
  for await (const record of admin.scan('event')) events.push(record.value as AuditEvent)
  return events
}
