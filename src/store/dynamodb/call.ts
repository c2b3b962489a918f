import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../protocol/time.ts'
import { fractionOf } from '../jitter.ts'
import { StoreUnavailable } from '../unavailable.ts'

/** What became of one attempt that threw. `none`: it did nothing. `unknown`: it may have. `final`: trying again is no use. */
export type Verdict = 'none' | 'unknown' | 'final'

/** One try. `doubtful`: an earlier attempt of the same call may have happened. */
type Attempt<T> = (signal: AbortSignal, about: { readonly doubtful: boolean }) => Promise<T>

/** Run attempts until one tells how it went, or the time is up: then StoreUnavailable. */
export type Call = <T>(attempt: Attempt<T>) => Promise<T>

/** FLT-17: nobody waits longer for a store that throttles or doesn't answer. */
const deadlineMillis = 2_000
/** An answer that takes longer is taken for lost, so that there is time to ask again. */
const answerMillis = 1_200
const firstPauseMillis = 10
const longestPauseMillis = 200

/** Begins a deadline, which every call through what it returns shares. */
export function createDeadline(options: {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  readonly verdictOf: (error: unknown) => Verdict
}): () => Call {
  const { clock, random, verdictOf } = options

  async function until<T>(endsAt: number, attempt: Attempt<T>): Promise<T> {
    let doubtful = false
    for (let tried = 0; ; tried += 1) {
      const left = endsAt - clock.monotonic()
      if (left <= 0)
        throw new StoreUnavailable('the store is too busy: the time was up before anything was sent', 'none')
      try {
        return await attempt(AbortSignal.timeout(Math.ceil(Math.max(1, Math.min(answerMillis, left)))), { doubtful })
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error
        const verdict = verdictOf(error)
        if (verdict === 'unknown') doubtful = true
        const wait = Math.min(longestPauseMillis, firstPauseMillis * 2 ** tried) * (0.5 + fractionOf(random.stamp()))
        if (verdict === 'final' || clock.monotonic() + wait >= endsAt)
          throw unavailable(error, { doubtful, isFinal: verdict === 'final' })
        await pause(wait)
      }
    }
  }

  return () => {
    const endsAt = clock.monotonic() + deadlineMillis
    return (attempt) => until(endsAt, attempt)
  }
}

function unavailable(
  error: unknown,
  { doubtful, isFinal }: { readonly doubtful: boolean; readonly isFinal: boolean },
): StoreUnavailable {
  // Messages of the SDK may quote what was sent, so only the name of the error is told.
  const name = error instanceof Error ? error.name : typeof error
  return new StoreUnavailable(`the store does not answer as it should: ${name}`, doubtful ? 'unknown' : 'none', {
    cause: error,
    // Refused for what it is, or because others keep changing the same items.
    ofOne: isFinal || name === 'TransactionConflictException',
  })
}
