import { afterFailure, closedCircuit, enterCircuit } from '../domain/circuit.ts'
import type { Clock } from '../protocol/time.ts'
import type { Store } from './port.ts'
import { StoreUnavailable } from './unavailable.ts'

/**
 * FLT-14: the store, whose callers are refused at once where it has answered nobody for a while, but for one now and then who
 * finds out. Reads and commits are two circuits: a standby that is gone stops the one and not the other. What a node asks for by
 * itself (changes, sweeps, whether it is there) always goes through.
 */
export function breakCircuit(store: Store, clock: Pick<Clock, 'monotonic'>): Store {
  const [reading, writing] = [circuitBy(clock), circuitBy(clock)]
  return {
    ...store,
    read: (refs) => reading(() => store.read(refs)),
    list: (...asked) => reading(() => store.list(...asked)),
    commit: (writes) => writing(() => store.commit(writes)),
  }
}

function circuitBy(clock: Pick<Clock, 'monotonic'>): <T>(ask: () => Promise<T>) => Promise<T> {
  let circuit = closedCircuit
  return async (ask) => {
    // Not asked for the time while all is well.
    if (circuit !== closedCircuit) {
      const entered = enterCircuit(circuit, clock.monotonic())
      if (entered === undefined) throw new StoreUnavailable('the store has not answered for a while', 'none')
      circuit = entered
    }
    try {
      const answer = await ask()
      circuit = closedCircuit
      return answer
    } catch (error) {
      if (error instanceof StoreUnavailable && !error.ofOne) circuit = afterFailure(circuit, clock.monotonic())
      throw error
    }
  }
}
