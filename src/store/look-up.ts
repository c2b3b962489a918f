import type { Kind, RecordValues, Ref, StoredRecord } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { aliveValue } from './read-alive.ts'
import type { TransitionContext } from './transition.ts'

/** One record's value as it is now, and remembered: the next transition decides on it without a second read. */
export async function lookUp<K extends Kind>(
  { store, recent }: Pick<TransitionContext, 'store' | 'recent'>,
  target: Ref<K>,
  now: EpochSeconds,
): Promise<RecordValues[K] | undefined> {
  const [record] = await store.read([target])
  if (record === undefined) recent?.forget(target)
  else recent?.keep(record)
  return aliveValue(record as StoredRecord<K> | undefined, now)
}

/**
 * The value as this process last saw it, else as it is now. Only for what never changes in a record, or for what a commit
 * verifies before anybody hears of it; that there is none is always as it is now.
 */
export async function recollect<K extends Kind>(
  context: Pick<TransitionContext, 'store' | 'recent'>,
  target: Ref<K>,
  now: EpochSeconds,
): Promise<RecordValues[K] | undefined> {
  return aliveValue(context.recent?.recall(target), now) ?? lookUp(context, target, now)
}
