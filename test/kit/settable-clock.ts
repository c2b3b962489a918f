import { createForwardClock } from '../../src/server/forward-clock.ts'
import type { TestClock } from './gatehouse.ts'

export type SettableClock = TestClock & { readonly set: (seconds: number) => void }

/** The server's own clock, over a wall that can be set: `advance` is time that passes, `set` a step of the wall alone. */
export function createSettableClock(wallAhead = 0): SettableClock {
  let passed = 0
  let step = wallAhead
  const monotonic = () => performance.now() + passed * 1000
  const clock = createForwardClock({ wall: () => Date.now() + (passed + step) * 1000, monotonic })
  return { ...clock, advance: (seconds) => void (passed += seconds), set: (seconds) => void (step += seconds) }
}
