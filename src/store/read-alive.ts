import type { Kind, RecordValues, Ref, StoredRecord } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { Store } from './port.ts'

/** One record's value as a decision would see it: an expired one is absent. For looking; what changes state goes through `transition`. */
export async function readAlive<K extends Kind>(
  store: Store,
  target: Ref<K>,
  now: EpochSeconds,
): Promise<RecordValues[K] | undefined> {
  const [record] = await store.read([target])
  return aliveValue(record as StoredRecord<K> | undefined, now)
}

/** The same of a record that is at hand. */
export function aliveValue<K extends Kind>(
  record: StoredRecord<K> | undefined,
  now: EpochSeconds,
): RecordValues[K] | undefined {
  if (record === undefined || (record.expiresAt !== undefined && now >= record.expiresAt)) return undefined
  return record.value
}
