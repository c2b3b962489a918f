import type { Observer } from '../endpoints/core.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** What endpoints tell, as log lines and counters. */
export function createObserver(log: Log, metrics: Metrics): Observer {
  return {
    refused: (endpoint, { error, reason }, about = {}) => {
      metrics.refused(reason)
      log.write({ event: 'request.refused', endpoint, error, reason, ...about })
    },
    issued: metrics.issued,
  }
}
