import { chainRef } from '../domain/seal.ts'
import { eventsOverBefore } from '../domain/retention.ts'
import type { RecordValues } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { Store } from '../store/port.ts'

/**
 * Delete what expired before `now`, at most `limit`; of events only what the chain itself says is over, so that it goes on proving
 * the rest. Returns how many.
 */
export async function sweepStore(
  store: Pick<Store, 'read' | 'sweep'>,
  now: EpochSeconds,
  limit: number,
): Promise<number> {
  const [found] = await store.read([chainRef])
  const chain = found?.value as RecordValues['chain'] | undefined
  return store.sweep(now, limit, eventsOverBefore(chain?.retention ?? [], now))
}
