import { finishEnds } from '../accounts/end-session.ts'
import { finishWithdrawals } from '../accounts/withdraw-consent.ts'
import { recordLeftOut } from '../audit/refusals.ts'
import { startSealer } from '../audit/sealer.ts'
import { sweepStore } from '../audit/sweep-store.ts'
import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import { startSweeper } from '../store/sweeper.ts'
import type { Gatehouse } from './gatehouse.ts'
import { createHighWater, type Standing } from './high-water.ts'
import { describeError } from './log-line.ts'
import type { Log } from './log.ts'

const everyMillis = 15_000

export type Upkeep = { readonly stop: () => Promise<void> }

export type UpkeepReport = {
  readonly onError: (
    job: 'keys' | 'high-water' | 'events' | 'sessions' | 'consents' | 'sweep' | 'seal',
    error: unknown,
  ) => void
  /** The clock can't be believed: nothing is swept and no key takes over until it can. */
  readonly onPaused: (reason: string) => void
  readonly onSealed?: (seal: number, hash: string, count: number) => void
}

export function upkeepReport(log: Log): UpkeepReport {
  return {
    onError: (job, error) => log.write({ event: 'upkeep.failed', job, error: describeError(error) }),
    onPaused: (reason) => log.write({ event: 'upkeep.paused', reason }),
    onSealed: (seal, hash, count) => log.write({ event: 'events.sealed', seal, hash, count }),
  }
}

/**
 * What a running server does by itself: take the due steps of its key rings, finish what a crash broke off, write down how late it is, seal events, delete what expired.
 * A clock that was set back, or stands before the store's own high-water mark, can't be believed; then none of it happens.
 */
export function startUpkeep({ core, config }: Pick<Gatehouse, 'core' | 'config'>, report: UpkeepReport): Upkeep {
  const { clock, random, transition: context, keys } = core
  const startedAt = { millis: clock.millis(), monotonic: clock.monotonic() }
  const look = createHighWater(context, clock)
  let standing: Standing | undefined
  let stopped = false
  let working: Promise<void> = Promise.resolve()

  const highWater = (): EpochSeconds | undefined =>
    standing === undefined || standing.is === 'watching' ? undefined : standing.mark

  async function once(): Promise<void> {
    const jumped = Math.round((clock.millis() - startedAt.millis - (clock.monotonic() - startedAt.monotonic)) / 1000)
    if (Math.abs(jumped) > clockTolerance) {
      // A mark that was raised to a wrong time could never be lowered again.
      report.onPaused(`the clock jumped by ${jumped} s since the start`)
      return
    }
    const ahead = clock.aheadOfWall?.() ?? 0
    if (ahead > clockTolerance) {
      report.onPaused(`the clock was set back by ${ahead} s; until it is right, time goes on from where it was`)
      return
    }
    try {
      standing = await look()
    } catch (error) {
      report.onError('high-water', error)
    }
    if (standing?.is === 'ahead') {
      report.onPaused(`the clock is ${standing.by} seconds ahead of the other servers on this store`)
      return
    }
    const behind = (highWater() ?? 0) - clock.seconds()
    if (behind > clockTolerance) {
      report.onPaused(`the clock is ${behind} seconds behind the latest time that this store has seen`)
      return
    }
    await recordLeftOut(core).catch((error: unknown) => report.onError('events', error))
    await core.vault.tellUses().catch((error: unknown) => report.onError('events', error))
    await finishEnds(core).catch((error: unknown) => report.onError('sessions', error))
    await finishWithdrawals(core).catch((error: unknown) => report.onError('consents', error))
    core.vault.finishRecalls()
    if (standing?.is !== 'watching') await keys.tick().catch((error: unknown) => report.onError('keys', error))
  }

  const timer = setInterval(() => {
    if (!stopped) working = working.then(once)
  }, everyMillis)
  timer.unref()
  working = once()
  const sweeper = startSweeper({
    // Whoever doesn't know yet what time it is forgets nothing by it.
    store: { sweep: async (now, limit) => (standing?.is === 'kept' ? sweepStore(context.store, now, limit) : 0) },
    clock,
    random,
    highWater,
    onError: (error) => report.onError('sweep', error),
    onPaused: report.onPaused,
  })
  const sealer = startSealer(
    { transition: context, clock, random, holder: random.id(clock.millis()), keep: config.eventTtl },
    {
      paused: () => sweeper.paused() ?? (standing?.is === 'kept' ? undefined : 'nobody knows yet what time it is'),
      onSealed: ({ seal, hash }) => report.onSealed?.(seal.number, hash, seal.count),
      onError: (error) => report.onError('seal', error),
    },
  )
  return {
    stop: async () => {
      stopped = true
      clearInterval(timer)
      await Promise.all([working, sweeper.stop(), sealer.stop()])
    },
  }
}
