import { sha256 } from '../crypto/hash.ts'
import type { Clock } from '../protocol/time.ts'
import { createCounts, type Counts } from './counts.ts'
import { policies, type Part, type PartsOf, type Policy, type Purpose } from './policies.ts'
import { sourceOf } from './source.ts'

/** One attempt too many. */
export type Blocked = {
  readonly retryAfterSeconds: number
  /** It is the budget of everybody that is used up, whoever used it. */
  readonly everybody: boolean
}

/** An attempt that counts as failed until it is forgiven. */
export type Reservation = {
  /** It succeeded, or was never evaluated: gives back what it took, once. */
  readonly forgive: () => void
}

/** What was counted or given back, for the other processes that serve together with this one. */
export type Counting = {
  readonly is: 'taken' | 'given-back'
  readonly purpose: Purpose
  readonly parts: readonly string[]
}

/** The way to those processes: what one counts, the others hear within a millisecond or two. */
export type Together = {
  readonly tell: (counting: Counting) => void
  readonly onTold: (listener: (counting: Counting) => void) => void
}

/**
 * Attempts are counted in this process, and exactly: nothing awaits between the question and the count. Worker processes of one
 * server tell each other, so that a budget is the server's and not each worker's.
 */
export type Limits = {
  /** Whether the next attempt must wait. Counts nothing. */
  readonly blocked: <P extends Purpose>(purpose: P, parts: PartsOf<P>) => Blocked | undefined
  /** Count a failure that is known already. */
  readonly count: <P extends Purpose>(purpose: P, parts: PartsOf<P>) => void
  /** Ask and count in one step, before an expensive check, so that parallel attempts can't exceed the budget together (H04). */
  readonly reserve: <P extends Purpose>(purpose: P, parts: PartsOf<P>) => Blocked | Reservation
  /** How many reservations were refused since this was asked last. */
  readonly leftOut: (purpose: Purpose) => number
  /** Give back what an earlier request took, because it came to a good end. */
  readonly forgive: <P extends Purpose>(purpose: P, parts: PartsOf<P>) => void
}

type Counted = { readonly counts: Counts; readonly positions: readonly number[]; readonly kinds: readonly Part[] }

const longestKey = 128

export function createLimits({
  clock,
  together,
}: {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly together?: Together | undefined
}): Limits {
  const table = new Map<Purpose, readonly Counted[]>()
  const leftOut = new Map<Purpose, number>()
  for (const [purpose, policy] of Object.entries<Policy>(policies)) table.set(purpose as Purpose, countedBy(policy))

  /** In whole milliseconds, whose sums are exact: by those of fractions the last attempt of a burst in one instant would be one too many. */
  const timeNow = (): number => Math.floor(clock.monotonic())

  function blocked(purpose: Purpose, parts: readonly string[], now: number): Blocked | undefined {
    let wait = 0
    let everybody = false
    for (const counted of table.get(purpose) ?? []) {
      // The common case, without building a key.
      if (counted.counts.size() === 0) continue
      const own = counted.counts.wait(keyOf(counted, parts), now)
      wait = Math.max(wait, own)
      everybody ||= own > 0 && counted.kinds.length === 0
    }
    return wait === 0 ? undefined : { retryAfterSeconds: Math.ceil(wait / 1000), everybody }
  }

  function take(purpose: Purpose, parts: readonly string[], now: number): void {
    for (const counted of table.get(purpose) ?? []) counted.counts.take(keyOf(counted, parts), now)
  }

  function giveBack(purpose: Purpose, parts: readonly string[]): void {
    const now = timeNow()
    for (const counted of table.get(purpose) ?? []) counted.counts.giveBack(keyOf(counted, parts), now)
  }

  function takeHere(purpose: Purpose, parts: readonly string[], now: number): void {
    take(purpose, parts, now)
    together?.tell({ is: 'taken', purpose, parts })
  }

  function giveBackHere(purpose: Purpose, parts: readonly string[]): void {
    giveBack(purpose, parts)
    together?.tell({ is: 'given-back', purpose, parts })
  }

  together?.onTold(({ is, purpose, parts }) => {
    if (is === 'taken') take(purpose, parts, timeNow())
    else giveBack(purpose, parts)
  })

  return {
    blocked: (purpose, parts) => blocked(purpose, parts, timeNow()),
    count: (purpose, parts) => takeHere(purpose, parts, timeNow()),
    reserve: (purpose, parts) => {
      const now = timeNow()
      const refused = blocked(purpose, parts, now)
      if (refused !== undefined) {
        leftOut.set(purpose, (leftOut.get(purpose) ?? 0) + 1)
        return refused
      }
      takeHere(purpose, parts, now)
      let held = true
      return {
        forgive: () => {
          if (!held) return
          held = false
          giveBackHere(purpose, parts)
        },
      }
    },
    leftOut: (purpose) => {
      const count = leftOut.get(purpose) ?? 0
      leftOut.delete(purpose)
      return count
    },
    forgive: giveBackHere,
  }
}

function countedBy(policy: Policy): readonly Counted[] {
  return policy.budgets.map(({ by, burst, everySeconds }) => ({
    counts: createCounts({ burst, everyMillis: everySeconds * 1000 }),
    positions: by.map((part) => policy.parts.indexOf(part)),
    kinds: by,
  }))
}

/** Lengths in front, so that no two lists of parts make the same key. */
function keyOf(counted: Counted, parts: readonly string[]): string {
  let key = ''
  for (const [index, position] of counted.positions.entries()) {
    const text = parts[position] ?? ''
    const part = counted.kinds[index] === 'source' ? sourceOf(text) : text
    key += `${part.length}:${part}`
  }
  return key.length <= longestKey ? key : sha256(key)
}
