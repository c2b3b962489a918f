import type { KeyRecord, Ring } from '../domain/key.ts'
import { keyTimes, mayVerify, rings } from '../domain/key-lifecycle.ts'
import type { Seconds } from '../protocol/time.ts'
import type { MintKeys } from '../tokens/mint.ts'
import type { KeysContext } from './context.ts'
import { createKeyCache } from './key-cache.ts'
import { importRootKey, type ImportedRootKey } from './import-key.ts'
import type { KeyView } from './key-view.ts'
import { announceNext, createMissingKeys, takeDueSteps } from './rotation.ts'

/** A key without anything secret. */
export type KeySummary = Omit<KeyRecord, 'v' | 'sealed' | 'publicJwk'>

/** The rings of this store, in memory. */
export type Keys = MintKeys & {
  /** The JWKS: bytes ready to send, with their strong ETag and how long they may be kept. */
  readonly jwks: () => { readonly body: string; readonly maxAgeSeconds: Seconds; readonly etag: string }
  /** Announce the next key of a ring; it takes over by `tick` when every cache has seen it. Returns what waits. */
  readonly rotate: (ring: Ring, actor?: string) => Promise<KeySummary>
  /** Take every step that is due. Costs nothing if none is. Call it often, and only while the clock can be trusted. */
  readonly tick: () => Promise<void>
  /** Read the rings again: when a change record names a key. Never rejects; if the store doesn't answer, `tick` tries again. */
  readonly refresh: () => Promise<void>
  /**
   * After something was refused: whether that may have been for a key that this process hadn't seen yet, and it has now.
   * Asks the store at most once a second, and only after an unknown key id.
   */
  readonly learn: () => Promise<boolean>
  /** Bring the root key of another server, verify-only. Throws ImportRefused. */
  readonly importKey: (imported: ImportedRootKey, actor: string) => Promise<KeySummary>
  readonly list: () => readonly KeySummary[]
}

const learnEveryMillis = 1000

/**
 * Open the rings of a store; on its first start they are created, once, however many processes start together.
 * Throws ProtectionFailed if the keys at rest don't open.
 */
export async function openKeys(context: KeysContext): Promise<Keys> {
  const { clock, lifetimes } = context
  const cache = createKeyCache(context)
  const rotation = { ...context, known: () => cache.view().keys, reload: cache.reload }
  await cache.loadAll()
  if (await createMissingKeys(rotation)) await cache.loadAll()

  let missed = false
  let learnedAt = Number.NEGATIVE_INFINITY
  let learning: Promise<boolean> | undefined

  function usable<K>(dated: { readonly key: K; readonly record: KeyRecord } | undefined): K | undefined {
    if (dated !== undefined && mayVerify(dated.record, clock.seconds())) return dated.key
    missed = true
    return undefined
  }

  async function lookAgain(): Promise<boolean> {
    missed = false
    learnedAt = clock.monotonic()
    const before = states(cache.view())
    await cache.reload()
    return states(cache.view()) !== before
  }

  return {
    random: context.random,
    signing: (algorithm) => present(cache.view().signing.get(algorithm), `signing-${algorithm}`),
    verification: (keyId) => usable(cache.view().verification.get(keyId)),
    secret: (ring) => present(cache.view().activeSecrets.get(ring), ring),
    secretById: (ring, keyId) => usable(cache.view().secrets.get(ring)?.get(keyId)),
    importedKey: (name) => usable(cache.view().imported.get(name)),
    importKey: async (imported, actor) => summary(await importRootKey(rotation, imported, actor)),
    jwks: () => ({ ...cache.view().jwks, maxAgeSeconds: lifetimes.jwksMaxAge }),
    rotate: async (ring, actor) => {
      await announceNext(rotation, ring, { announce: keyTimes(ring, lifetimes).announce, actor })
      const ofRing = cache.view().keys.filter(({ record }) => record.ring === ring)
      const waiting = ofRing.find(({ record }) => record.state === 'announced')
      return summary(present(waiting ?? ofRing.at(-1), ring).record)
    },
    tick: async () => {
      if (cache.isStale()) await cache.refresh()
      for (const ring of rings) await takeDueSteps(rotation, ring)
    },
    refresh: cache.refresh,
    learn: () => {
      if (learning !== undefined) return learning
      if (!missed || clock.monotonic() - learnedAt < learnEveryMillis) return Promise.resolve(false)
      learning = lookAgain().finally(() => {
        learning = undefined
      })
      return learning
    },
    list: () => cache.view().keys.map(({ record }) => summary(record)),
  }
}

function states({ keys }: KeyView): string {
  return keys.map(({ recordId, record }) => `${recordId}=${record.state}`).join()
}

function summary({ keyId, ring, state, createdAt, activeFrom, retiredAt, removeAt, imported }: KeyRecord): KeySummary {
  return {
    keyId,
    ring,
    state,
    createdAt,
    activeFrom,
    ...(retiredAt !== undefined && { retiredAt }),
    ...(removeAt !== undefined && { removeAt }),
    ...(imported !== undefined && { imported }),
  }
}

function present<T>(key: T | undefined, ring: Ring): T {
  if (key === undefined) throw new Error(`the ring ${ring} has no active key`)
  return key
}
