import type { KeysContext } from './context.ts'
import { openKey, type OpenedKey } from './key-material.ts'
import { loadKeyRecords, type StoredKey } from './key-records.ts'
import { arrangeKeys, type KeyView } from './key-view.ts'
import { ProtectionFailed } from './protection-failed.ts'

/** The opened keys of the store in memory, and the ways to bring them up to date. */
export type KeyCache = {
  readonly view: () => KeyView
  /** Throws ProtectionFailed if any key doesn't open: at the start that is somebody's mistake to mend. */
  readonly loadAll: () => Promise<void>
  /** Rejects if the store doesn't answer. Keys that don't open are reported and left out. */
  readonly reload: () => Promise<void>
  /** `reload` that never rejects. */
  readonly refresh: () => Promise<void>
  /** Whether the last refresh failed. */
  readonly isStale: () => boolean
}

export function createKeyCache({ store, protection, onEvent }: KeysContext): KeyCache {
  const opened = new Map<string, OpenedKey>()
  let view = arrangeKeys([])
  let stale = false
  let loading: Promise<void> | undefined
  let next: Promise<void> | undefined

  async function load(onFailure: (stored: StoredKey, failure: ProtectionFailed) => void): Promise<void> {
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

  /** A key is unsealed once per process; only its dates change. */
  function take({ recordId, record }: StoredKey): OpenedKey {
    const known = opened.get(recordId)
    return known?.record.sealed === record.sealed ? { ...known, record } : openKey(recordId, record, protection)
  }

  /** One load at a time; who asks during one gets the next, since the running one may have read too early. */
  function reload(): Promise<void> {
    if (loading === undefined) {
      loading = load(({ record }) => onEvent({ type: 'unreadable', ring: record.ring, keyId: record.keyId })).finally(
        () => {
          loading = undefined
        },
      )
      return loading
    }
    next ??= loading
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return reload()
      })
    return next
  }

  return {
    view: () => view,
    loadAll: () =>
      load((_, failure) => {
        throw failure
      }),
    reload,
    refresh: async () => {
      try {
        await reload()
        stale = false
      } catch {
        stale = true
        onEvent({ type: 'stale' })
      }
    },
    isStale: () => stale,
  }
}
