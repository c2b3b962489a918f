import type { Kind, RecordValues, Ref } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { Store } from './port.ts'
import { valueOf } from './known-version.ts'

/** One record's value as a decision would see it: an expired one is absent. For looking; what changes state goes through `transition`. */
export async function readAlive<K extends Kind>(
  store: Store,
  target: Ref<K>,
  now: EpochSeconds,
): Promise<RecordValues[K] | undefined> {
  const [record] = await store.read([target])
  if (record === undefined || (record.expiresAt !== undefined && now >= record.expiresAt)) return undefined
  return valueOf(record) as RecordValues[K]
}
