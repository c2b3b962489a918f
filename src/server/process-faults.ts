import { describeError } from './log-line.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** What of a process is needed here; tests pass an emitter. */
export type FaultyProcess = {
  readonly on: (event: 'unhandledRejection' | 'uncaughtException', listener: (error: unknown) => void) => unknown
  readonly off: (event: 'unhandledRejection' | 'uncaughtException', listener: (error: unknown) => void) => unknown
}

/**
 * A promise that failed unheard is a bug of one request: counted, logged, and the process lives (J18). An exception that nobody
 * caught may have left anything half done: nothing new is begun, and the process ends with 1 for its supervisor to start afresh.
 * Returns what takes the watch off again.
 */
export function watchFaults(options: {
  readonly process: FaultyProcess
  readonly log: Log
  readonly metrics: Metrics
  /** Begin nothing more. */
  readonly refuseWork: () => void
  readonly exit: (code: number) => void
}): () => void {
  const { process, log, metrics, refuseWork, exit } = options
  const rejected = (error: unknown): void => {
    metrics.count('unhandled_rejections')
    log.write({ event: 'process.unhandled_rejection', error: describeError(error) })
  }
  const thrown = (error: unknown): void => {
    refuseWork()
    log.write({ event: 'process.uncaught_exception', error: describeError(error) })
    log.flush()
    exit(1)
  }
  process.on('unhandledRejection', rejected)
  process.on('uncaughtException', thrown)
  return () => {
    process.off('unhandledRejection', rejected)
    process.off('uncaughtException', thrown)
  }
}
