import { createRandom, type Random } from '../crypto/random.ts'
import type { Clock } from '../protocol/time.ts'
import { createForwardClock } from './forward-clock.ts'

/** What comes from outside: injected everywhere, so that tests own time and chance. */
export type System = { readonly clock: Clock; readonly random: Random }

/** The real clock and the operating system's randomness: the only place that asks what time it is. */
export function createSystem(): System {
  return {
    clock: createForwardClock({ wall: () => Date.now(), monotonic: () => performance.now() }),
    random: createRandom(),
  }
}
