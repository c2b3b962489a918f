import type { FactorsContext } from '../../src/accounts/change-factors.ts'
import type { PasswordsContext } from '../../src/accounts/context.ts'
import { createUser } from '../../src/accounts/create-user.ts'
import type { NewUser } from '../../src/accounts/new-user.ts'
import { createRandom } from '../../src/crypto/random.ts'
import type { Actor } from '../../src/domain/authority.ts'
import type { AuditEvent } from '../../src/domain/event.ts'
import { buckets } from '../../src/domain/bucket.ts'
import type { Ref } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'
import { protectWith } from '../../src/keys/protection.ts'
import { macKey } from '../../src/crypto/mac.ts'
import { createLimits } from '../../src/limits/limits.ts'
import { ensureInstance } from '../../src/store/ensure-instance.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { fixedKeys } from '../tokens/fixtures.ts'

export const cli: Actor = { kind: 'cli' }

export type House = PasswordsContext &
  FactorsContext &
  OpenStore & {
    /** Move the clock on. */
    readonly wait: (seconds: number) => void
    readonly events: () => Promise<readonly AuditEvent[]>
    /** What was announced since the last look. */
    readonly announced: () => Promise<readonly Ref[]>
  }

/** Accounts on a store in memory, with a clock that stands still and passwords that cost nothing. */
export async function openHouse(): Promise<House> {
  const opened = openMemoryStore()
  let millis = 1_800_000_000_000
  const clock = { millis: () => millis, seconds: () => Math.floor(millis / 1000), monotonic: () => millis }
  const random = createRandom()
  const transition = { store: opened.store, clock, random }
  const { instanceId } = await ensureInstance(transition, { clock, random })
  const protection = protectWith(macKey(random.bytes(32)), 'the key of the test', { instanceId, random })
  let { cursor } = await opened.admin.changes(undefined)
  return {
    ...opened,
    clock,
    random,
    transition,
    keys: fixedKeys(),
    outbox: undefined,
    limits: createLimits({ clock }),
    protection: () => Promise.resolve(protection),
    passwords: { hash: (password) => Promise.resolve(`hash of ${password}`) },
    strength: (password) => Promise.resolve(password.includes('guess') ? { score: 1, suggestions: [] } : undefined),
    wait: (seconds) => void (millis += seconds * 1000),
    events: async () => {
      const found: AuditEvent[] = []
      for (const bucket of buckets) {
        const { records } = await opened.store.list('event', bucket, { limit: 100 })
        found.push(...records.map((record) => record.value as AuditEvent))
      }
      return found
    },
    announced: async () => {
      const changes = await opened.admin.changes(cursor)
      cursor = changes.cursor
      return changes.forget === 'lost' ? [] : changes.forget
    },
  }
}

export async function makeUser(house: PasswordsContext, wanted: NewUser): Promise<User> {
  return done(await createUser(house, cli, wanted))
}

/** What was done; fails the test if it was refused. */
export function done<T>(outcome: { readonly done: T } | { readonly refused: { readonly detail?: string } }): T {
  if ('refused' in outcome) throw new Error(`refused: ${outcome.refused.detail}`)
  return outcome.done
}

/** Code and detail of a refusal; fails the test if it was done. */
export function refusal(
  outcome: { readonly done: unknown } | { readonly refused: { readonly code: string; readonly detail?: string } },
): string {
  if ('done' in outcome) throw new Error('it was done')
  return `${outcome.refused.code}: ${outcome.refused.detail}`
}

export const asUser = (user: User, ...scopes: string[]): Actor => ({ kind: 'user', user, scopes })
