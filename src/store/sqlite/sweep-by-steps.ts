import { setTimeout as pause } from 'node:timers/promises'
import type { Clock, EpochSeconds } from '../../protocol/time.ts'
import type { CommitQueue } from './commit-queue.ts'

/** A commit that arrives during a step waits for it, so a step is kept well below the 10 ms that nobody may notice. */
const targetMillis = 4
const smallestStep = 8
const largestStep = 256
const firstStep = 32
const longestPauseMillis = 50

/** Sweep in steps whose size follows from how long the last one took. Ends early, without harm, when another process writes. */
export async function sweepBySteps(options: {
  readonly queue: Pick<CommitQueue, 'sweep'>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly now: EpochSeconds
  readonly eventsBefore: EpochSeconds
  readonly limit: number
}): Promise<number> {
  const { queue, clock, now, eventsBefore } = options
  let left = options.limit
  let step = firstStep
  while (left > 0) {
    const since = clock.monotonic()
    const swept = await queue.sweep({ now, eventsBefore, limit: Math.min(step, left) })
    if (swept === 'busy') break
    left -= swept.deleted
    if (!swept.more) break
    const took = clock.monotonic() - since
    // At least half of the writer, and of the disk behind it, is for whoever waits for an answer.
    await pause(Math.min(took, longestPauseMillis))
    if (took > targetMillis) step = Math.max(smallestStep, Math.floor(step / 2))
    else if (took < targetMillis / 2) step = Math.min(largestStep, step * 2)
  }
  return options.limit - left
}
