import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../protocol/time.ts'
import type { Health } from './health.ts'
import type { Shell } from './http.ts'
import type { Log } from './log.ts'

/**
 * In milliseconds. `drain`: how long to go on accepting while not ready, for a balancer to notice, if anybody ever came.
 * `idle`: how long a connection may stay silent before it is closed. `finish`: how long work in progress may take.
 */
export const stopTimes = { drain: 1_000, idle: 2_000, finish: 10_000 } as const
export type StopTimes = { readonly [Name in keyof typeof stopTimes]: number }

const lookMillis = 20
const quietTurns = 5
const mostTakingMillis = 1_000

export type GracefulStop = {
  /** Begins to stop, once; resolves when everything is closed. Calling it again makes it fast. */
  readonly stop: (signal: string) => Promise<void>
  /** Listens for SIGTERM and SIGINT: the first stops gracefully, the second at once. Returns what stops listening. */
  readonly onSignals: (process: SignalledProcess, exit: (code: number) => void) => () => void
}

export type SignalledProcess = {
  readonly on: (signal: 'SIGTERM' | 'SIGINT', listener: (signal: string) => void) => unknown
  readonly off: (signal: 'SIGTERM' | 'SIGINT', listener: (signal: string) => void) => unknown
}

/**
 * FLT-25. The guarantee: **a request whose first byte reached this process before its connection was closed gets its whole
 * answer**, if that takes no longer than `finish`. The order that gives it:
 *
 * 1. not ready, at once; after `drain`, when a balancer sends nobody new, the listening socket closes;
 * 2. every answer from now on says `Connection: close`, so a busy connection ends right after an answer, when its client
 *    knows not to send again;
 * 3. a connection that stays silent for `idle` is closed. What a client sends in the very moment of closing, and hence
 *    crosses our FIN on the wire, never reached us: it may send it again elsewhere (RFC 9112 §9.3.1). Seconds of silence
 *    beforehand make that a matter of one in thousands of idle connections, and none of busy ones;
 * 4. when every endpoint has finished and every connection is closed, or after `finish`, what is left is cut.
 *
 * What was committed stays committed however fast it ends: an answer never precedes its commit, and a commit is all or nothing.
 */
export function createStop(options: {
  readonly shell: Shell
  readonly health: Health
  readonly log: Log
  readonly clock: Pick<Clock, 'monotonic'>
  /** Closes what lies behind the shell: workers, then the store. */
  readonly closeRest: () => Promise<void>
  readonly times?: Partial<StopTimes>
}): GracefulStop {
  const { shell, health, log, clock, closeRest } = options
  const times = { ...stopTimes, ...options.times }
  let stopped: Promise<void> | undefined
  const haste = { asked: false }

  async function run(signal: string): Promise<void> {
    const began = clock.monotonic()
    log.write({ event: 'server.stopping', signal })
    health.stop()
    await drain()
    await takeWaiting()
    shell.stopAccepting()
    const deadline = clock.monotonic() + times.finish
    if (!(await allGone(Math.min(times.idle, times.finish)))) {
      while (!haste.asked && clock.monotonic() < deadline && isBusy()) {
        shell.closeIdle()
        await pause(lookMillis)
      }
    }
    const unfinished = shell.load().running
    await shell.close()
    await closeRest()
    log.write({ event: 'server.stopped', millis: Math.round(clock.monotonic() - began), unfinished })
    log.flush()
  }

  async function drain(): Promise<void> {
    const until = clock.monotonic() + times.drain
    while (!haste.asked && shell.load().accepted > 0 && clock.monotonic() < until) await pause(lookMillis)
  }

  /**
   * Takes those whom the kernel has let in already: closing the door would reset them. Who comes in the last turn of the event
   * loop is reset all the same, since no system call takes them and closes in one: without a balancer that can't be ended.
   */
  async function takeWaiting(): Promise<void> {
    const until = clock.monotonic() + mostTakingMillis
    for (let quiet = 0; quiet < quietTurns && !haste.asked && clock.monotonic() < until;) {
      const before = shell.load().accepted
      await turn()
      quiet = shell.load().accepted === before ? quiet + 1 : 0
    }
  }

  /** Waits while anybody is connected. Whether all were gone before the time was over. */
  async function allGone(millis: number): Promise<boolean> {
    const until = clock.monotonic() + millis
    while (!haste.asked && isBusy() && clock.monotonic() < until) await pause(lookMillis)
    return !isBusy()
  }

  function isBusy(): boolean {
    const { running, connections } = shell.load()
    return running > 0 || connections > 0
  }

  function stop(signal: string): Promise<void> {
    if (stopped === undefined) stopped = run(signal)
    else haste.asked = true
    return stopped
  }

  return { stop, onSignals: signalsTo(stop) }
}

/** The first signal begins to stop, and what comes of that ends the process; the next ones only make haste. */
export function signalsTo(stop: GracefulStop['stop']): GracefulStop['onSignals'] {
  return (process, exit) => {
    let begun = false
    const onSignal = (signal: string): void => {
      const done = stop(signal)
      if (begun) return
      begun = true
      void done.then(
        () => exit(0),
        () => exit(1),
      )
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    return () => {
      process.off('SIGTERM', onSignal)
      process.off('SIGINT', onSignal)
    }
  }
}
