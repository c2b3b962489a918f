import type { Kind, StoredRecord } from '../domain/record.ts'
import { StoreUnavailable } from './unavailable.ts'

/** The value, if this program knows its schema version: what a newer one wrote may hold a refusal we can't read. */
export function valueOf<K extends Kind>(record: StoredRecord<K>): StoredRecord<K>['value'] {
  if (record.value.v === 1) return record.value
  throw new StoreUnavailable(
    `the store holds a ${record.kind} of version ${String(record.value.v)}, which this program doesn't know: run the newer one`,
    'none',
  )
}
