import { setTimeout as pause } from 'node:timers/promises'
import { StoreUnavailable } from '../unavailable.ts'
import { verdictOf } from './verdict.ts'

const longestNapMillis = 50

/** Work that finds the file locked is tried again, without holding up the event loop, until the time is over. */
export async function patiently<T>(millis: number, work: () => T): Promise<T> {
  for (let waited = 0, nap = 1; ; waited += nap, nap = Math.min(2 * nap, longestNapMillis)) {
    try {
      return work()
    } catch (error) {
      if (verdictOf(error, 'unit') !== 'busy') throw error
      if (waited >= millis) throw lockedByAnother(error)
      await pause(nap)
    }
  }
}

export function lockedByAnother(cause?: unknown): StoreUnavailable {
  return new StoreUnavailable('the store is locked by another process', 'none', { cause })
}
