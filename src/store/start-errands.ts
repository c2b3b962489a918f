import { put, ref, remove, type Decision, type RecordValues, type Write } from '../domain/record.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import type { Later } from './lease.ts'
import { listAll } from './list-all.ts'
import { transition, type TransitionContext } from './transition.ts'

/** Kinds of records that ask for one thing to be done elsewhere, after the commit that they came with. */
export type ErrandKind = 'outbox' | 'revocation'

/** In whose list every errand stands. */
export const errandOwner = '*'

const everyMillis = 15_000
/** Longer than an errand takes: meanwhile no other node runs it. */
const claimSeconds: Seconds = 60

export type Errands = {
  /** There is something to do. */
  readonly wake: () => void
  /** Waits for the errand under way; the rest is done by whoever runs next. */
  readonly close: () => Promise<void>
}

/**
 * Does what was committed to be done, at least once: an errand is forgotten after it was run. Several nodes share them; each
 * claims one before it runs it. One that comes to nothing is run again at growing intervals until it expires.
 */
export function startErrands<K extends ErrandKind>(options: {
  readonly transition: TransitionContext
  readonly kind: K
  readonly longestPause: Seconds
  /** When a claimed one is given up, `pause` seconds before anybody may try again. */
  readonly expiryOf: (errand: RecordValues[K], now: EpochSeconds, pause: Seconds) => EpochSeconds
  /** What is written with its end; undefined, or a throw: again, later. */
  readonly run: (errand: RecordValues[K], id: string) => Promise<readonly Write[] | undefined>
  readonly onFailure: (error: unknown) => void
  /** In place of the timers of this process. */
  readonly later?: Later | undefined
}): Errands {
  const { transition: context, kind, onFailure } = options
  let closed = false
  let again = false
  let running: Promise<void> | undefined

  function wake(): void {
    again = true
    running ??= run().finally(() => {
      running = undefined
    })
  }

  async function run(): Promise<void> {
    while (again) {
      again = false
      await runAll().catch(onFailure)
    }
  }

  async function runAll(): Promise<void> {
    for await (const { id, value } of listAll(context.store, kind, errandOwner)) {
      if (closed) return
      if (value.nextAt <= context.clock.seconds()) await runOne(id).catch(onFailure)
    }
  }

  async function runOne(id: string): Promise<void> {
    const errand = await claim(id)
    const last = errand === undefined ? undefined : await options.run(errand, id)
    if (last === undefined) return
    await transition(context, { slot: ref(kind, id) }, ({ slot }) => ({
      writes: slot.value === undefined ? [] : [...remove(slot), ...last],
      result: undefined,
    }))
  }

  function claim(id: string): Promise<RecordValues[K] | undefined> {
    return transition(context, { slot: ref(kind, id) }, ({ slot }, now): Decision<RecordValues[K] | undefined> => {
      const { value } = slot
      if (value === undefined || value.nextAt > now) return { writes: [], result: undefined }
      const pause = Math.min(options.longestPause, claimSeconds * 2 ** value.attempts)
      const claimed = { ...value, attempts: value.attempts + 1, nextAt: now + pause }
      return { writes: [put(slot, claimed, { expiresAt: options.expiryOf(value, now, pause) })], result: claimed }
    })
  }

  const later = options.later ?? quietly
  let cancel = later(look, everyMillis)
  function look(): void {
    cancel = later(look, everyMillis)
    wake()
  }
  wake()
  return {
    wake,
    close: async () => {
      closed = true
      cancel()
      await running
    },
  }
}

/** Keeps no process alive. */
const quietly: Later = (work, millis) => {
  const timer = setTimeout(work, millis)
  timer.unref()
  return () => clearTimeout(timer)
}
