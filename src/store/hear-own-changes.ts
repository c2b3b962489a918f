import type { Changes, StampedWrite, Store } from './port.ts'
import { StoreUnavailable } from './unavailable.ts'

/**
 * The same store, whose commits tell `forget` what they announced before they are answered: on a store that is polled, a node
 * must see its own changes at once. What may have been committed is told as well.
 */
export function hearOwnChanges(store: Store, forget: (changed: Exclude<Changes['forget'], 'lost'>) => void): Store {
  return {
    ...store,
    commit: async (writes) => {
      const announced = announcedIn(writes)
      if (announced.length === 0) return store.commit(writes)
      try {
        const outcome = await store.commit(writes)
        if (outcome === 'committed') forget(announced)
        return outcome
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || error.outcome === 'unknown') forget(announced)
        throw error
      }
    },
  }
}

/** The records that everybody must forget after these writes. */
export function announcedIn(writes: readonly StampedWrite[]): Exclude<Changes['forget'], 'lost'> {
  return writes.flatMap((write) => (write.op === 'put' && 'forget' in write.value ? [write.value.forget] : []))
}
