import type { StoredRecord } from '../domain/record.ts'
import type { Store } from './port.ts'
import { StoreUnavailable } from './unavailable.ts'

/**
 * The store, refusing records of a schema version that this program doesn't know: what a newer one wrote may hold a refusal
 * that we can't read. It stands below every reader, so none can forget to ask.
 */
export function refuseNewer(store: Store): Store {
  return {
    ...store,
    read: async (refs) => {
      const found = await store.read(refs)
      for (const record of found) if (record !== undefined) known(record)
      return found
    },
    list: async (kind, owner, page) => {
      const found = await store.list(kind, owner, page)
      for (const record of found.records) known(record)
      return found
    },
  }
}

/** Whether this program knows the schema version of a record. */
export function isKnown({ value }: Pick<StoredRecord, 'value'>): boolean {
  return value.v === 1
}

function known(record: StoredRecord): void {
  if (isKnown(record)) return
  const { kind, value } = record
  throw new StoreUnavailable(
    `the store holds a ${kind} of version ${String(value.v)}, which this program doesn't know: run the newer one`,
    'none',
  )
}
