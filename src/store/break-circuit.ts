import { afterAnswer, afterFailure, closedCircuit, enterCircuit, type Patience } from '../domain/circuit.ts'
import type { Kind, Ref } from '../domain/record.ts'
import type { Clock } from '../protocol/time.ts'
import type { StampedWrite, Store } from './port.ts'
import { StoreUnavailable } from './unavailable.ts'

/** A server that is restarted is waited for as if there were no circuit; whoever is first to get an answer lets everybody in. */
const patience: Patience = { failingMillis: 1_000, probeMillis: 500, pauseMillis: () => 500 }

/**
 * FLT-14: the store, whose callers are refused at once where it has answered nobody for a while, but for one now and then who
 * finds out. Where all that failed was about one record or list (a partition that is throttled or gone), only those who ask for
 * that are refused. Reads and commits are two circuits: a standby that is gone stops the one and not the other. What a node asks
 * for by itself (changes, sweeps, whether it is there) always goes through.
 */
export function breakCircuit(store: Store, clock: Pick<Clock, 'monotonic'>): Store {
  const [reading, writing] = [circuitBy(clock), circuitBy(clock)]
  return {
    ...store,
    read: (refs) =>
      reading(
        () => store.read(refs),
        () => refs.map(recordName),
      ),
    list: (kind, owner, page) =>
      reading(
        () => store.list(kind, owner, page),
        () => [listName(kind, owner)],
      ),
    commit: (writes) =>
      writing(
        () => store.commit(writes),
        () => writes.flatMap(namesIn),
      ),
  }
}

/** `named`: what is asked for; found out only where something fails. */
type Guard = <T>(ask: () => Promise<T>, named: () => readonly string[]) => Promise<T>

function circuitBy(clock: Pick<Clock, 'monotonic'>): Guard {
  let circuit = closedCircuit
  return async (ask, named) => {
    // Not asked for the time while all is well.
    if (circuit !== closedCircuit) {
      const entered = enterCircuit(circuit, patience, { now: clock.monotonic(), asked: named() })
      if (entered === undefined) throw new StoreUnavailable('the store has not answered for a while', 'none')
      circuit = entered
    }
    try {
      const answer = await ask()
      if (circuit !== closedCircuit) circuit = afterAnswer(circuit, named())
      return answer
    } catch (error) {
      if (error instanceof StoreUnavailable && !error.ofOne)
        circuit = afterFailure(circuit, patience, { now: clock.monotonic(), asked: named() })
      throw error
    }
  }
}

const recordName = ({ kind, id }: Ref): string => `${kind} ${id}`
const listName = (kind: Kind, owner: string): string => `${kind}s of ${owner}`

/** Events lie among all others' events: they name nothing of their own. */
function namesIn(write: StampedWrite): readonly string[] {
  if (write.op === 'append') return []
  const owners = write.op === 'put' ? (write.owners ?? []) : []
  return [recordName(write), ...owners.map((owner) => listName(write.kind, owner))]
}
