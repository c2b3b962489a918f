import type { Clock } from '../protocol/time.ts'

/** What is further ahead was no clock that has been set back since, but one that was wrong. */
const longestStepMillis = 24 * 60 * 60 * 1000

/**
 * Wall time that doesn't run backwards: where the wall clock is set back, time goes on from where it was, by the monotonic clock,
 * so that nothing that has expired is good again. A clock that is only slewed never differs from the wall.
 */
export function createForwardClock(source: {
  /** Milliseconds since 1970. */
  readonly wall: () => number
  readonly monotonic: () => number
}): Clock {
  let anchor = { wall: source.wall(), monotonic: source.monotonic() }

  function millis(): number {
    const [wall, monotonic] = [source.wall(), source.monotonic()]
    const reckoned = anchor.wall + monotonic - anchor.monotonic
    if (wall < reckoned) return Math.floor(reckoned)
    anchor = { wall, monotonic }
    return wall
  }

  return {
    millis,
    seconds: () => Math.floor(millis() / 1000),
    monotonic: source.monotonic,
    aheadOfWall: () => Math.round((millis() - source.wall()) / 1000),
    notBefore: (seconds) => {
      const ahead = seconds * 1000 - millis()
      if (ahead > 0 && ahead <= longestStepMillis) anchor = { wall: seconds * 1000, monotonic: source.monotonic() }
    },
  }
}
