import type { EpochSeconds, Seconds } from '../../protocol/time.ts'

/** Longer than a commit may take, than a lock may keep a sweep from a row, and than two clocks may differ. */
const lookBack: Seconds = 600
/** What came with a time long past (a restore, a copy, a row that was mended by hand) waits no longer than this. */
const wholeEvery: Seconds = 6 * 3_600

/** Where the sweep of one index begins. */
export type Swept = {
  /** Nothing that is due stands before it, as far as one can know. `at` is what is swept up to. */
  readonly from: (at: EpochSeconds) => EpochSeconds
  /** What one step did: the last time that it came to; undefined if nothing is left before `at`. */
  readonly done: (at: EpochSeconds, last: EpochSeconds | undefined) => void
}

/**
 * What was deleted stays in an index until a vacuum, which comes when it is a fiftieth of the table. A sweep that began at the
 * oldest entry would walk over all of that each time, in every bucket, on every node; so it begins where the one before it ended.
 */
export function createSwept(): Swept {
  let begin: EpochSeconds = Number.MIN_SAFE_INTEGER
  let wholeAt: EpochSeconds | undefined

  return {
    from(at) {
      if (wholeAt !== undefined && Math.abs(at - wholeAt) < wholeEvery) return Math.min(begin, at - lookBack)
      wholeAt = at
      begin = Number.MIN_SAFE_INTEGER
      return begin
    },
    done(at, last) {
      begin = last ?? at - lookBack
    },
  }
}
