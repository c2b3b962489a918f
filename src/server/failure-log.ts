import type { Clock } from '../protocol/time.ts'
import type { Log } from './log.ts'
import { describeError } from './log-line.ts'

const mostPerSecond = 10

/** Failed requests, in the log. */
export type FailureLog = {
  readonly record: (
    event: 'request.unavailable' | 'request.failed',
    failure: { readonly reference: string; readonly route: string; readonly error: unknown },
  ) => void
}

/** A store that is down fails every request; ten lines a second tell as much as ten thousand, and how many they stand for. */
export function createFailureLog(log: Log, clock: Pick<Clock, 'monotonic'>): FailureLog {
  let second = -1
  let written = 0
  let suppressed = 0
  return {
    record: (event, { reference, route, error }) => {
      const now = Math.floor(clock.monotonic() / 1000)
      if (now !== second) {
        second = now
        written = 0
      }
      if (written >= mostPerSecond) {
        suppressed += 1
        return
      }
      written += 1
      log.write({ event, reference, route, error: describeError(error), ...(suppressed === 0 ? {} : { suppressed }) })
      suppressed = 0
    },
  }
}
