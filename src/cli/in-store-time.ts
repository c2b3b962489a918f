import type { Instance } from '../domain/instance.ts'
import { clockTolerance, type Clock } from '../protocol/time.ts'
import type { Store } from '../store/port.ts'
import { setItRight } from './clock-behind.ts'
import { CliFailure } from './failure.ts'

/**
 * FLT-18: time goes on from what the instance has seen, so what had expired stays so, and no command writes a time from before
 * what others have written. A clock that is further behind than time may go on by itself is wrong, or the store has seen a wrong
 * one: only a person knows, and nothing is written.
 */
export function inStoreTime(store: Store, clock: Clock, instance: Instance | undefined): Store {
  const seen = instance?.highWaterAt ?? 0
  clock.notBefore?.(seen)
  return {
    ...store,
    commit: async (writes) => {
      const behind = seen - clock.seconds()
      if (behind > clockTolerance) throw new CliFailure(setItRight(behind))
      return store.commit(writes)
    },
  }
}
