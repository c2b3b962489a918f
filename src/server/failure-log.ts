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
  const budgets = {
    'request.unavailable': { second: -1, written: 0, suppressed: 0 },
    'request.failed': { second: -1, written: 0, suppressed: 0 },
  }
  return {
    record: (event, { reference, route, error }) => {
      const budget = budgets[event]
      const second = Math.floor(clock.monotonic() / 1000)
      if (second !== budget.second) {
        budget.second = second
        budget.written = 0
      }
      if (budget.written >= mostPerSecond) {
        budget.suppressed += 1
        return
      }
      budget.written += 1
      const { suppressed } = budget
      budget.suppressed = 0
      log.write({ event, reference, route, error: describeError(error), ...(suppressed === 0 ? {} : { suppressed }) })
    },
  }
}
