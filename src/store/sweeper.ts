import { clockTolerance, type Clock, type EpochSeconds } from '../protocol/time.ts'
import { fractionOf } from './jitter.ts'
import type { Store } from './port.ts'

export type Sweeper = {
  /** Resolves when the sweep under way, if any, is over. */
  readonly stop: () => Promise<void>
  /** Why nothing is swept just now; undefined while all is well. */
  readonly paused: () => string | undefined
}

const everyMillis = 30_000
const recordsPerSweep = 5_000
/** While there is more to sweep the next one follows this much sooner. */
const hurry = 100

/**
 * Sweeps by itself for as long as the clock can be believed: one that jumped would make the store forget what was used or
 * revoked. `highWater` is the latest time at which the store is known to have been served.
 */
export function startSweeper(options: {
  readonly store: Pick<Store, 'sweep'>
  readonly clock: Clock
  readonly random: { readonly stamp: () => string }
  readonly highWater: () => EpochSeconds | undefined
  readonly onError: (error: unknown) => void
  readonly onPaused?: (reason: string) => void
  readonly everyMillis?: number
}): Sweeper {
  const { store, clock, random } = options
  const every = options.everyMillis ?? everyMillis
  const startedAt = { millis: clock.millis(), monotonic: clock.monotonic() }
  let stopped = false
  let sweeping: Promise<void> = Promise.resolve()
  let timer = later(every)

  function later(millis: number): NodeJS.Timeout {
    // Nodes that were started together don't sweep together.
    return setTimeout(() => void (sweeping = sweepOnce()), millis * (0.5 + fractionOf(random.stamp())))
  }

  async function sweepOnce(): Promise<void> {
    const swept = await sweep()
    if (!stopped) timer = later(swept === recordsPerSweep ? every / hurry : every)
  }

  async function sweep(): Promise<number> {
    const reason = paused()
    if (reason !== undefined) options.onPaused?.(reason)
    if (reason !== undefined) return 0
    try {
      return await store.sweep(clock.seconds(), recordsPerSweep)
    } catch (error) {
      options.onError(error)
      return 0
    }
  }

  function paused(): string | undefined {
    const wall = clock.millis() - startedAt.millis
    const monotonic = clock.monotonic() - startedAt.monotonic
    const jumped = Math.round((wall - monotonic) / 1000)
    if (Math.abs(jumped) > clockTolerance) return `the clock jumped by ${jumped} s since the start`
    const highWater = options.highWater()
    const ahead = highWater === undefined ? 0 : clock.seconds() - highWater
    if (Math.abs(ahead) > clockTolerance) return `the clock and the store's high-water mark differ by ${ahead} s`
    return undefined
  }

  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await sweeping
    },
    paused,
  }
}
