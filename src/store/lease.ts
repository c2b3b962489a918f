import type { Clock } from '../protocol/time.ts'
import { StoreUnavailable } from './unavailable.ts'

/** The right to trust one's memory, renewed by every successful look at the store. */
export type Lease = {
  /** Throws StoreUnavailable when the last look is too long ago. */
  readonly assert: () => undefined
  /** What was seen until now is worth nothing: no trust before a look that begins from here on. */
  readonly revoke: () => void
  readonly end: () => void
}

/** Runs work after so many milliseconds. */
export type Later = (work: () => void, millis: number) => () => void

const pollMillis = 250
/** Longest that a node of a store that is polled may trust its memory, and so not know what others changed. */
export const directoryLeaseMillis = 5_000

/** Polls at once and then for ever. A lease counts from before the look began, on the clock that nobody can set. */
export function startLease(options: {
  readonly poll: () => Promise<void>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly pollMillis?: number
  readonly leaseMillis?: number
  /** In place of the timers of this process. Returns what takes it back. */
  readonly later?: Later
}): Lease {
  const { poll, clock } = options
  const lasts = options.leaseMillis ?? directoryLeaseMillis
  let renewedAt = clock.monotonic()
  let revokedAt = -Infinity
  let ended = false
  const later = options.later ?? byTimer
  let cancel: (() => void) | undefined

  async function renew(): Promise<void> {
    const beganAt = clock.monotonic()
    try {
      await poll()
      if (beganAt > revokedAt) renewedAt = beganAt
    } catch {
      // The lease runs out by itself, and whoever asks then hears why.
    }
    if (!ended) cancel = later(() => void renew(), options.pollMillis ?? pollMillis)
  }
  void renew()

  return {
    assert() {
      if (clock.monotonic() - renewedAt <= lasts) return undefined
      throw new StoreUnavailable(
        `the store hasn't been seen for ${lasts} ms: what is in memory may be out of date`,
        'none',
      )
    },
    revoke() {
      revokedAt = clock.monotonic()
      renewedAt = -Infinity
    },
    end() {
      ended = true
      cancel?.()
    },
  }
}

export const byTimer: Later = (work, millis) => {
  const timer = setTimeout(work, millis)
  return () => clearTimeout(timer)
}
