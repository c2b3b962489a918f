import type { Observer } from '../endpoints/core.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { createChallengeWatch } from './repeated-challenge.ts'

/** What endpoints tell, as log lines and counters. */
export function createObserver(log: Log, metrics: Metrics): Observer {
  const repeatsChallenge = createChallengeWatch()
  const warned = new Set<string>()
  return {
    refused: (endpoint, { error, reason }, about = {}) => {
      metrics.refused(reason)
      log.write({ event: 'request.refused', endpoint, error, reason, ...about })
    },
    issued: metrics.issued,
    authorized: (clientId, request) => {
      if (!repeatsChallenge(clientId, request)) return
      metrics.count('repeated_challenges')
      if (warned.has(clientId)) return
      warned.add(clientId)
      log.write({ event: 'client.repeats_challenge', clientId })
    },
  }
}
