import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../protocol/time.ts'
import { fractionOf } from '../jitter.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { AttemptFailed } from './attempt-failed.ts'
import type { Outcome } from './judge.ts'
import type { Unit } from './unit.ts'

export type CommitLanes = {
  readonly commit: (unit: Unit) => Promise<Outcome>
  /** Take on nothing more, and resolve when everything taken on is over. */
  readonly drain: () => Promise<void>
}

type Waiting = {
  readonly unit: Unit
  readonly since: number
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

/** Bounds what one batch locks, and for how long. */
const unitsPerBatch = 256
const mostWaiting = 10_000
/** Nobody waits longer for his turn. */
const queueMillis = 1_000
/** Nobody is tried again when he has waited this long altogether. */
const patienceMillis = 2_000
/** FLT-14: nor tried for the first time by himself, after a batch that a slow server gave up: whoever comes last would wait for all. */
const apartMillis = 3_000
const longestPauseMillis = 20

/**
 * Group commit: what arrives while the lanes are busy goes into the next batch of the lane that is free first. There is no
 * timer. Units on the same record never run in two lanes at once and keep their order, so a batch never waits for its own kind.
 */
export function createCommitLanes(options: {
  /** Each unit all or nothing by itself, durable when it resolves. Throws AttemptFailed. */
  readonly attempt: (units: readonly Unit[]) => Promise<readonly Outcome[]>
  readonly lanes: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
}): CommitLanes {
  const { attempt, clock, random } = options
  let queue: Waiting[] = []
  let busy = 0
  let scheduled = false
  let closing = false
  let drained: (() => void) | undefined
  const inFlight = new Set<string>()
  const lateTimer = setInterval(refuseTheLate, 100).unref()

  function commit(unit: Unit): Promise<Outcome> {
    if (closing) return Promise.reject(unavailable('the store is closed'))
    if (queue.length >= mostWaiting) return Promise.reject(unavailable('too many commits are waiting'))
    return new Promise((resolve, reject) => {
      queue.push({ unit, since: clock.monotonic(), resolve, reject })
      if (scheduled || busy === options.lanes) return
      scheduled = true
      // Requests that were read from their sockets together share a batch.
      setImmediate(() => {
        scheduled = false
        fill()
      })
    })
  }

  function fill(): void {
    while (busy < options.lanes && queue.length > 0) {
      const batch = takeBatch()
      if (batch.length === 0) return
      void carry(batch)
    }
    if (busy === 0 && queue.length === 0) drained?.()
  }

  /** The next units in order, leaving out whoever would meet a record that is in another lane, or wait for somebody left out. */
  function takeBatch(): readonly Waiting[] {
    const blocked = new Set(inFlight)
    const batch: Waiting[] = []
    const rest: Waiting[] = []
    for (const waiting of queue) {
      const free = batch.length < unitsPerBatch && waiting.unit.every(({ key }) => !blocked.has(key))
      if (free) batch.push(waiting)
      else {
        rest.push(waiting)
        for (const { key } of waiting.unit) blocked.add(key)
      }
    }
    queue = rest
    return batch
  }

  async function carry(batch: readonly Waiting[]): Promise<void> {
    busy += 1
    const keys = batch.flatMap(({ unit }) => unit.map(({ key }) => key))
    for (const key of keys) inFlight.add(key)
    await tryTogether(batch)
    for (const key of keys) inFlight.delete(key)
    busy -= 1
    fill()
  }

  async function tryTogether(batch: readonly Waiting[]): Promise<void> {
    let failure = await attempted(batch)
    if (failure?.verdict === 'again') {
      // Whoever was in the way is seen by the next attempt.
      await pause(longestPauseMillis * fractionOf(random.stamp()))
      failure = await attempted(batch)
    }
    if (failure !== undefined) await tryApart(batch, failure)
  }

  /**
   * One by one, so that whoever can't go on keeps nobody else; again in rounds, for as long as somebody has patience. Who wants
   * what another one couldn't have isn't tried: a lock that is waited for by many in turn would keep all the rest.
   */
  async function tryApart(batch: readonly Waiting[], first: AttemptFailed): Promise<void> {
    const stuck = new Set<string>()
    let left = batch
    let last = first
    for (let round = 1; left.length > 0; round += 1) {
      const next: Waiting[] = []
      for (const waiting of left) {
        const late = clock.monotonic() - waiting.since > (round > 1 ? patienceMillis : apartMillis)
        const hopeless = late || waiting.unit.some(({ key }) => stuck.has(key))
        const failure = hopeless ? last : await attempted([waiting])
        if (failure === undefined) continue
        last = failure
        if (!hopeless && failure.verdict === 'again') next.push(waiting)
        else {
          waiting.reject(failed(failure))
          for (const { key } of waiting.unit) stuck.add(key)
        }
      }
      left = next
      if (left.length > 0) await pause(longestPauseMillis * fractionOf(random.stamp()))
    }
  }

  /** Settles everybody, or returns a failure after which they may be tried otherwise. */
  async function attempted(batch: readonly Waiting[]): Promise<AttemptFailed | undefined> {
    try {
      const outcomes = await attempt(batch.map(({ unit }) => unit))
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index]
        if (outcome === undefined) reject(unavailable('the database said nothing about it', 'unknown'))
        else resolve(outcome)
      }
    } catch (error) {
      if (error instanceof AttemptFailed && error.verdict !== 'none' && error.verdict !== 'unknown') return error
      for (const { reject } of batch) reject(failed(error))
    }
    return undefined
  }

  function refuseTheLate(): void {
    const oldest = clock.monotonic() - queueMillis
    if (!queue.some(({ since }) => since < oldest)) return
    for (const { since, reject } of queue) if (since < oldest) reject(unavailable('the database is too slow'))
    queue = queue.filter(({ since }) => since >= oldest)
    fill()
  }

  async function drain(): Promise<void> {
    closing = true
    if (busy > 0 || queue.length > 0) await new Promise<void>((resolve) => (drained = resolve))
    clearInterval(lateTimer)
  }

  return { commit, drain }
}

/** What nobody foresaw may have happened after all. */
function failed(error: unknown): StoreUnavailable {
  const why = error instanceof Error ? error.message : String(error)
  const unknown = !(error instanceof AttemptFailed) || error.verdict === 'unknown'
  const ofOne = error instanceof AttemptFailed && error.verdict === 'alone'
  return new StoreUnavailable(`the store takes no writes: ${why}`, unknown ? 'unknown' : 'none', {
    cause: error,
    ofOne,
  })
}

function unavailable(why: string, outcome: 'none' | 'unknown' = 'none'): StoreUnavailable {
  return new StoreUnavailable(`the store takes no writes: ${why}`, outcome)
}
