import type { KeyRecord, Ring } from '../domain/key.ts'
import { keyTimes, mayVerify, rings } from '../domain/key-lifecycle.ts'
import type { Seconds } from '../protocol/time.ts'
import type { MintKeys } from '../tokens/mint.ts'
import type { KeysContext } from './context.ts'
import { openKey, type OpenedKey } from './key-material.ts'
import { loadKeyRecords, type StoredKey } from './key-records.ts'
import { arrangeKeys, type KeyView } from './key-view.ts'
import { ProtectionFailed } from './protection-failed.ts'
import { announceNext, foundMissing, takeDueSteps } from './rotation.ts'

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
  /** Read the rings again: when a change record names a key. */
  readonly refresh: () => Promise<void>
  /**
   * After something was refused: whether that may have been for a key that this process hadn't seen yet, and it has now.
   * Asks the store at most once a second, and only after an unknown key id.
   */
  readonly learn: () => Promise<boolean>
  readonly list: () => readonly KeySummary[]
}

const learnEveryMillis = 1000

/**
 * Open the rings of a store; on its first start they are created, once, however many processes start together.
 * Throws ProtectionFailed if the keys at rest don't open.
 */
export async function openKeys(context: KeysContext): Promise<Keys> {
  const { store, clock, random, protection, lifetimes, onEvent } = context
  const opened = new Map<string, OpenedKey>()
  let view: KeyView = arrangeKeys([])
  let missed = false
  let learnedAt = Number.NEGATIVE_INFINITY
  let learning: Promise<boolean> | undefined
  let loading: Promise<void> | undefined
  let again: Promise<void> | undefined

  async function load(onFailure: (stored: StoredKey, error: ProtectionFailed) => void): Promise<void> {
    const stored = await loadKeyRecords(store)
    const keys = stored.flatMap((key) => {
      try {
        return [take(key)]
      } catch (error) {
        if (!(error instanceof ProtectionFailed)) throw error
        onFailure(key, error)
        return []
      }
    })
    opened.clear()
    for (const key of keys) opened.set(key.recordId, key)
    view = arrangeKeys(keys)
  }

  /** Unsealed once per process; only its dates change. */
  function take({ recordId, record }: StoredKey): OpenedKey {
    const known = opened.get(recordId)
    return known?.record.sealed === record.sealed ? { ...known, record } : openKey(recordId, record, protection)
  }

  /** One load at a time; who asks during one gets the next, since the running one may have read too early. */
  function refresh(): Promise<void> {
    if (loading === undefined) {
      loading = load(({ record }) => onEvent({ type: 'unreadable', ring: record.ring, keyId: record.keyId })).finally(
        () => {
          loading = undefined
        },
      )
      return loading
    }
    again ??= loading
      .catch(() => undefined)
      .then(() => {
        again = undefined
        return refresh()
      })
    return again
  }

  function learn(): Promise<boolean> {
    if (learning !== undefined) return learning
    if (!missed || clock.monotonic() - learnedAt < learnEveryMillis) return Promise.resolve(false)
    missed = false
    learnedAt = clock.monotonic()
    const before = states(view)
    learning = refresh()
      .then(() => states(view) !== before)
      .finally(() => {
        learning = undefined
      })
    return learning
  }

  function usable<K>(dated: { readonly key: K; readonly record: KeyRecord } | undefined): K | undefined {
    if (dated !== undefined && mayVerify(dated.record, clock.seconds())) return dated.key
    missed = true
    return undefined
  }

  const rotation = { ...context, known: () => view.keys, refresh }
  const strictly = (_: StoredKey, error: ProtectionFailed): never => {
    throw error
  }
  await load(strictly)
  if (await foundMissing(rotation)) await load(strictly)

  return {
    random,
    signing: (algorithm) => present(view.signing.get(algorithm), `signing-${algorithm}`),
    verification: (keyId) => usable(view.verification.get(keyId)),
    secret: (ring) => present(view.activeSecrets.get(ring), ring),
    secretById: (ring, keyId) => usable(view.secrets.get(ring)?.get(keyId)),
    jwks: () => ({ ...view.jwks, maxAgeSeconds: lifetimes.jwksMaxAge }),
    rotate: async (ring, actor) => {
      await announceNext(rotation, ring, keyTimes(ring, lifetimes).announce, actor)
      const waiting = view.keys.find(({ record }) => record.ring === ring && record.state === 'announced')
      const active = view.keys.find(({ record }) => record.ring === ring && record.state === 'active')
      return summary(present(waiting ?? active, ring).record)
    },
    tick: async () => {
      for (const ring of rings) await takeDueSteps(rotation, ring)
    },
    refresh,
    learn,
    list: () => view.keys.map(({ record }) => summary(record)),
  }
}

function states({ keys }: KeyView): string {
  return keys.map(({ recordId, record }) => `${recordId}=${record.state}`).join()
}

function summary({ keyId, ring, state, createdAt, activeFrom, retiredAt, removeAt }: KeyRecord): KeySummary {
  return {
    keyId,
    ring,
    state,
    createdAt,
    activeFrom,
    ...(retiredAt !== undefined && { retiredAt }),
    ...(removeAt !== undefined && { removeAt }),
  }
}

function present<T>(key: T | undefined, ring: Ring): T {
  if (key === undefined) throw new Error(`the ring ${ring} has no active key`)
  return key
}
