import type { Clock } from '../../protocol/time.ts'
import { fractionOf } from '../jitter.ts'
import { StoreUnavailable } from '../unavailable.ts'
import type { Batch, BatchValue } from './batch.ts'
import type { SqliteLimits } from './limits.ts'
import type { Order, Reply, SweepOrder, Swept, UnitOutcome } from './messages.ts'

export type CommitQueue = {
  readonly commit: (unit: readonly BatchValue[]) => Promise<'committed' | 'conflict'>
  /** One step of a sweep, between two batches. `busy`: another process is writing. */
  readonly sweep: (order: SweepOrder) => Promise<Swept | 'busy'>
  readonly receive: (reply: Reply) => void
  /** The writer is gone: what it was doing is unknown, and nothing is taken on any more. */
  readonly fail: (reason: StoreUnavailable) => void
  /** Why commits are refused just now, if they are. */
  readonly refusal: () => StoreUnavailable | undefined
  /** Take on nothing more, and resolve when everything taken on is over. */
  readonly drain: () => Promise<void>
}

type Unit = {
  readonly ops: readonly BatchValue[]
  readonly since: number
  readonly resolve: (outcome: 'committed' | 'conflict') => void
  readonly reject: (error: unknown) => void
}

type SweepStep = {
  readonly order: SweepOrder
  readonly resolve: (swept: Swept | 'busy') => void
  readonly reject: (error: unknown) => void
}

/** Bounds the time that one batch holds the write lock against other processes. */
const unitsPerBatch = 512
/** So many share the cost of an fsync that one more saves nothing worth waiting for. */
const enoughUnits = 64
const shortestPauseMillis = 2
const longestPauseMillis = 20

/**
 * Group commit: what arrives while a batch is being written goes into the next one. There is no timer; a batch begins at the end of
 * the current turn of the event loop, so that requests read from their sockets together share an fsync. Where the writer has no core of
 * its own, nothing is won by its beginning early: there a batch waits for as long as each turn brings more, a few turns at most.
 */
export function createCommitQueue(options: {
  readonly send: (order: Order) => void
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  readonly limits: SqliteLimits
}): CommitQueue {
  const { send, clock, random, limits } = options
  let waiting: Unit[] = []
  let writing: readonly Unit[] | undefined
  let sweepWaiting: SweepStep | undefined
  let sweeping: SweepStep | undefined
  let sweptLast = false
  /** A flush is on its way: at the end of this turn, or after a pause. */
  let scheduled = false
  let stuck = false
  let gone: StoreUnavailable | undefined
  let closing = false
  // One timer for all batches, wound up again for each: making one costs more than encoding a unit.
  const answerTimer = setTimeout(giveUp, limits.answerMillis).unref()
  let drained: (() => void) | undefined

  function refusal(): StoreUnavailable | undefined {
    if (gone !== undefined) return gone
    if (closing) return unavailable('the store is closed')
    if (stuck) return unavailable('the writer has not answered for a long time: is the disk stuck?')
    if (waiting.length >= limits.queuedUnits) return unavailable('too many commits are waiting')
    return undefined
  }

  function commit(ops: readonly BatchValue[]): Promise<'committed' | 'conflict'> {
    const refused = refusal()
    if (refused !== undefined) return Promise.reject(refused)
    return new Promise((resolve, reject) => {
      waiting.push({ ops, since: clock.monotonic(), resolve, reject })
      schedule()
    })
  }

  function sweep(order: SweepOrder): Promise<Swept | 'busy'> {
    const refused = refusal()
    if (refused !== undefined) return Promise.reject(refused)
    if (sweepWaiting !== undefined || sweeping !== undefined)
      return Promise.reject(unavailable('a sweep is on its way'))
    return new Promise((resolve, reject) => {
      sweepWaiting = { order, resolve, reject }
      schedule()
    })
  }

  function schedule(): void {
    if (scheduled || writing !== undefined || sweeping !== undefined) return
    scheduled = true
    setImmediate(gather, limits.gatherTurns, 0)
  }

  function gather(turns: number, before: number): void {
    const { length } = waiting
    if (turns > 0 && length > before && length < enoughUnits) setImmediate(gather, turns - 1, length)
    else flush()
  }

  function flush(): void {
    scheduled = false
    if (gone !== undefined || writing !== undefined || sweeping !== undefined) return
    // Steps of a sweep and batches take turns, so neither waits for more than one of the other.
    if (sweepWaiting !== undefined && (waiting.length === 0 || !sweptLast)) return startSweep(sweepWaiting)
    if (waiting.length > 0) startBatch()
    else drained?.()
  }

  function startSweep(step: SweepStep): void {
    sweepWaiting = undefined
    sweeping = step
    sweptLast = true
    answerTimer.refresh()
    send(step.order)
  }

  function startBatch(): void {
    const units = waiting.length <= unitsPerBatch ? waiting : waiting.slice(0, unitsPerBatch)
    waiting = waiting.length <= unitsPerBatch ? [] : waiting.slice(unitsPerBatch)
    writing = units
    sweptLast = false
    answerTimer.refresh()
    send(joined(units))
  }

  function receive(reply: Reply): void {
    stuck = false
    const units = writing
    const step = sweeping
    writing = undefined
    sweeping = undefined
    if (step !== undefined) settleSweep(step, reply)
    else if (units !== undefined && reply.is === 'busy') return postpone(units)
    else if (units !== undefined) settleUnits(units, reply)
    // Not at once: what else this turn read from its sockets shares the next fsync.
    schedule()
  }

  /** Nobody waits longer than `busyMillis`; the rest tries again, together with what has arrived since. */
  function postpone(units: readonly Unit[]): void {
    const oldest = clock.monotonic() - limits.busyMillis
    const inTime = units.filter((unit) => unit.since > oldest)
    for (const unit of units) {
      if (unit.since <= oldest) unit.reject(unavailable('another process holds the write lock'))
    }
    waiting = [...inTime, ...waiting]
    scheduled = true
    const spread = longestPauseMillis - shortestPauseMillis
    setTimeout(flush, shortestPauseMillis + spread * fractionOf(random.stamp()))
  }

  /** The answer may still come, and then everything goes on; but nobody waits for it. */
  function giveUp(): void {
    if (writing === undefined && sweeping === undefined) return
    stuck = true
    const late = unavailable('the writer does not answer: is the disk stuck?', 'unknown')
    for (const unit of writing ?? []) unit.reject(late)
    sweeping?.reject(late)
    for (const unit of waiting) unit.reject(unavailable('the writer does not answer: is the disk stuck?'))
    sweepWaiting?.reject(late)
    waiting = []
    sweepWaiting = undefined
  }

  function fail(reason: StoreUnavailable): void {
    if (gone !== undefined) return
    gone = reason
    clearTimeout(answerTimer)
    const unknown = unavailable(reason.message, 'unknown')
    for (const unit of writing ?? []) unit.reject(unknown)
    for (const unit of waiting) unit.reject(reason)
    sweeping?.reject(reason)
    sweepWaiting?.reject(reason)
    writing = undefined
    sweeping = undefined
    sweepWaiting = undefined
    waiting = []
    drained?.()
  }

  function drain(): Promise<void> {
    closing = true
    return new Promise((resolve) => {
      drained = resolve
      if (gone !== undefined) resolve()
      else schedule()
    })
  }

  return { commit, sweep, receive, fail, refusal, drain }
}

function settleUnits(units: readonly Unit[], reply: Reply): void {
  if (reply.is === 'committed') for (const unit of units) unit.resolve('committed')
  else if (reply.is === 'judged') for (const [index, unit] of units.entries()) settleUnit(unit, reply.outcomes[index])
  else if (reply.is === 'declined') for (const unit of units) unit.reject(unavailable(reply.why))
  else for (const unit of units) unit.reject(unavailable(`the writer replied "${reply.is}"`, 'unknown'))
}

function settleUnit(unit: Unit, outcome: UnitOutcome | undefined): void {
  if (outcome === 'committed' || outcome === 'conflict') unit.resolve(outcome)
  else if (outcome === undefined) unit.reject(unavailable('the writer said nothing about it', 'unknown'))
  else if ('refused' in outcome) unit.reject(unavailable(outcome.refused))
  else unit.reject(unavailable(outcome.lost, 'unknown'))
}

function settleSweep(step: SweepStep, reply: Reply): void {
  if (reply.is === 'swept') step.resolve(reply)
  else if (reply.is === 'busy') step.resolve('busy')
  else step.reject(unavailable(reply.is === 'declined' ? reply.why : `the writer replied "${reply.is}"`))
}

function joined(units: readonly Unit[]): Batch {
  const batch: BatchValue[] = []
  for (const { ops } of units) for (const value of ops) batch.push(value)
  return batch
}

function unavailable(why: string, outcome: 'none' | 'unknown' = 'none'): StoreUnavailable {
  return new StoreUnavailable(`the store takes no writes: ${why}`, outcome)
}
