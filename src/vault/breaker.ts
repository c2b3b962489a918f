import type { Clock, Seconds } from '../protocol/time.ts'

/**
 * Leaves a provider alone that doesn't answer, so that a thousand connections don't each wait for it: after a few failures
 * in a row nobody asks for a while, then one does. In this process alone; what each connection has to wait stands in its record.
 */
export type Breaker = {
  /** Leave to ask, which must be given back with the outcome; or how long to wait. */
  readonly enter: (provider: string) => Entry | { readonly retryAfter: Seconds }
}

export type Entry = {
  /** Nobody was asked after all. */
  readonly left: () => void
  readonly succeeded: () => void
  readonly failed: (retryAfter: Seconds | undefined) => void
}

type State = { failures: number; asking: number; closedUntil: number }

const failuresAllowed = 5
/** Requests to one provider at once. */
const mostAsking = 64
const longestSeconds = 60
/** While the one who tries again is at it. */
const probeSeconds = 6

export function createBreaker(clock: Pick<Clock, 'monotonic'>, fraction: () => number): Breaker {
  const states = new Map<string, State>()
  return {
    enter: (provider) => {
      const now = clock.monotonic()
      const state = states.get(provider) ?? { failures: 0, asking: 0, closedUntil: 0 }
      states.set(provider, state)
      if (now < state.closedUntil) return { retryAfter: Math.ceil((state.closedUntil - now) / 1000) }
      if (state.asking >= mostAsking) return { retryAfter: 1 }
      if (state.failures >= failuresAllowed) state.closedUntil = now + probeSeconds * 1000
      state.asking += 1
      return {
        left: () => {
          state.asking -= 1
        },
        succeeded: () => {
          state.asking -= 1
          state.failures = 0
          state.closedUntil = 0
        },
        failed: (retryAfter) => {
          state.asking -= 1
          state.failures += 1
          const grown =
            Math.min(longestSeconds, 2 ** Math.min(10, state.failures - failuresAllowed)) * (0.5 + fraction() / 2)
          // What the provider asks for concerns all of us at once.
          const pause = Math.max(
            state.failures >= failuresAllowed ? grown : 0,
            Math.min(retryAfter ?? 0, longestSeconds),
          )
          state.closedUntil = Math.max(state.closedUntil, clock.monotonic() + pause * 1000)
        },
      }
    },
  }
}
