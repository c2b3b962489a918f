import type { Clock, Seconds } from '../protocol/time.ts'

/**
 * Leaves a provider alone that doesn't answer, so that a thousand connections don't each wait for it: after a few failures
 * in a row nobody asks for a while, then one does. In this process alone; what each connection has to wait stands in its record.
 */
export type Breaker = {
  /** Leave to ask, once there is room, which must be given back with the outcome; or how long to wait. */
  readonly enter: (provider: string) => Promise<Entry | { readonly retryAfter: Seconds }>
}

export type Entry = {
  /** Nobody was asked after all. */
  readonly left: () => void
  readonly succeeded: () => void
  readonly failed: (retryAfter: Seconds | undefined) => void
}

type State = { failures: number; asking: number; closedUntil: number; readonly waiting: (() => void)[] }

const failuresAllowed = 5
/** Requests to one provider at once; the rest waits in line. */
const mostAsking = 64
const longestSeconds = 60
/** While the one who tries again is at it. */
const probeSeconds = 6

export function createBreaker(clock: Pick<Clock, 'monotonic'>, fraction: () => number): Breaker {
  const states = new Map<string, State>()

  function stateOf(provider: string): State {
    const state = states.get(provider) ?? { failures: 0, asking: 0, closedUntil: 0, waiting: [] }
    states.set(provider, state)
    return state
  }

  const closedFor = (state: State): Seconds => Math.max(0, Math.ceil((state.closedUntil - clock.monotonic()) / 1000))

  function leave(state: State): void {
    state.asking -= 1
    // Where it is closed by now, everybody goes home at once.
    const next = closedFor(state) > 0 ? state.waiting.splice(0) : state.waiting.splice(0, 1)
    for (const wake of next) wake()
  }

  return {
    enter: async (provider) => {
      const state = stateOf(provider)
      while (closedFor(state) === 0 && state.asking >= mostAsking)
        await new Promise<void>((resolve) => state.waiting.push(resolve))
      const retryAfter = closedFor(state)
      if (retryAfter > 0) return { retryAfter }
      if (state.failures >= failuresAllowed) state.closedUntil = clock.monotonic() + probeSeconds * 1000
      state.asking += 1
      return {
        left: () => leave(state),
        succeeded: () => {
          state.failures = 0
          state.closedUntil = 0
          leave(state)
        },
        failed: (asked) => {
          state.failures += 1
          const grown = 2 ** Math.min(10, state.failures - failuresAllowed) * (0.5 + fraction() / 2)
          // What the provider asks for concerns all of us at once.
          const pause = Math.max(state.failures >= failuresAllowed ? grown : 0, asked ?? 0)
          state.closedUntil = Math.max(state.closedUntil, clock.monotonic() + Math.min(longestSeconds, pause) * 1000)
          leave(state)
        },
      }
    },
  }
}
