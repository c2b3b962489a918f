import {
  afterAnswer,
  afterFailure,
  closedCircuit,
  enterCircuit,
  type Circuit,
  type Patience,
} from '../domain/circuit.ts'
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

type State = { circuit: Circuit; asking: number; readonly waiting: (() => void)[] }

/** Requests to one provider at once; the rest waits in line. */
const mostAsking = 64
/** By our own guess; what the provider asks for is cut where it is read. */
const longestMillis = 60_000

export function createBreaker(clock: Pick<Clock, 'monotonic'>, fraction: () => number): Breaker {
  const states = new Map<string, State>()
  const patience: Patience = {
    failingMillis: 0,
    // Longer than whoever finds out may take.
    probeMillis: 6_000,
    pauseMillis: (beyond) => Math.min(longestMillis, 1_000 * 2 ** Math.min(10, beyond) * (0.5 + fraction() / 2)),
  }

  function stateOf(provider: string): State {
    const state = states.get(provider) ?? { circuit: closedCircuit, asking: 0, waiting: [] }
    states.set(provider, state)
    return state
  }

  const closedFor = ({ circuit }: State): Seconds =>
    Math.max(0, Math.ceil((circuit.askAgainAt - clock.monotonic()) / 1000))

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
      const entered = enterCircuit(state.circuit, patience, { now: clock.monotonic() })
      if (entered === undefined) return { retryAfter: closedFor(state) }
      state.circuit = entered
      state.asking += 1
      return {
        left: () => leave(state),
        succeeded: () => {
          state.circuit = afterAnswer(state.circuit)
          leave(state)
        },
        failed: (asked = 0) => {
          // What the provider asks for concerns all of us at once.
          const atLeastMillis = asked * 1_000
          state.circuit = afterFailure(state.circuit, patience, { now: clock.monotonic(), atLeastMillis })
          leave(state)
        },
      }
    },
  }
}
