import { createForwardClock } from '../../src/server/forward-clock.ts'
import { createTestClock, type TestClock } from './gatehouse.ts'

export type SettableClock = TestClock & { readonly set: (seconds: number) => void }

/** The server's own clock, over a wall that can be set: `advance` is time that passes, `set` a step of the wall alone. */
export function createSettableClock(wallAhead = 0): SettableClock {
  const { millis, monotonic, advance, stand } = createTestClock()
  let step = wallAhead
  const clock = createForwardClock({ wall: () => millis() + step * 1000, monotonic })
  return { ...clock, advance, stand, set: (seconds) => void (step += seconds) }
}
