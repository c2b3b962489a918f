import type { Clock } from '../../protocol/time.ts'
import { fractionOf } from '../jitter.ts'
import { AttemptFailed } from './attempt-failed.ts'

/** A connection as the pool sees it. */
export type Pooled = {
  /** Not to be used again. */
  readonly broken: () => boolean
  readonly close: () => void | Promise<void>
}

export type Pool<C> = {
  /** Runs `work` on a connection of its own. Rejects with AttemptFailed `none` when there is none in time. */
  readonly use: <T>(work: (connection: C) => Promise<T>) => Promise<T>
  /** Close what nobody uses just now: the server behind it isn't the right one any more. */
  readonly dropIdle: () => void
  /** Refuses newcomers, waits for those at work, closes everything. */
  readonly close: () => Promise<void>
}

type Waiter<C> = {
  readonly resolve: (connection: C) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

/** FLT-13: whoever gets no connection in this time is told so. */
const waitMillis = 1_000
const mostWaiting = 10_000
const shortestBackOffMillis = 20
const longestBackOffMillis = 400

/**
 * At most `most` connections, made when they are wanted. After a failure nobody tries to connect for a while that doubles
 * and is never the same on two nodes, so that a server that comes back isn't run over (FLT-13).
 */
export function createPool<C extends Pooled>(options: {
  readonly connect: () => Promise<C>
  readonly most: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
}): Pool<C> {
  const { connect, most, clock, random } = options
  const idle: C[] = []
  const waiting = new Set<Waiter<C>>()
  let open = 0
  let connecting = 0
  let failures = 0
  let quietUntil = 0
  let quietTimer: NodeJS.Timeout | undefined
  let lastFailure = ''
  let closed = false
  let emptied: (() => void) | undefined

  function take(): Promise<C> {
    if (closed) return Promise.reject(new AttemptFailed('the store is closed', 'none'))
    for (let found = idle.pop(); found !== undefined; found = idle.pop()) {
      if (!found.broken()) return Promise.resolve(found)
      discard(found)
    }
    if (waiting.size >= mostWaiting) return Promise.reject(new AttemptFailed('too many wait for the database', 'none'))
    return new Promise((resolve, reject) => {
      const waiter: Waiter<C> = {
        resolve,
        reject,
        timer: setTimeout(() => {
          waiting.delete(waiter)
          const why = lastFailure === '' ? 'all connections are busy' : lastFailure
          reject(new AttemptFailed(`no connection to the database within ${waitMillis} ms (${why})`, 'none'))
        }, waitMillis),
      }
      waiting.add(waiter)
      grow()
    })
  }

  /** As many connections as are wanted and allowed; after a failure one, as a scout. */
  function grow(): void {
    const wanted = failures > 0 ? Math.min(1, waiting.size) : waiting.size
    const pause = quietUntil - clock.monotonic()
    if (pause > 0) {
      quietTimer ??= setTimeout(() => {
        quietTimer = undefined
        grow()
      }, pause)
      return
    }
    while (connecting < wanted && open < most) void openOne()
  }

  async function openOne(): Promise<void> {
    open += 1
    connecting += 1
    try {
      const connection = await connect()
      connecting -= 1
      failures = 0
      lastFailure = ''
      give(connection)
      grow()
    } catch (error) {
      connecting -= 1
      open -= 1
      failures += 1
      lastFailure = error instanceof Error ? error.message : String(error)
      const longest = Math.min(longestBackOffMillis, shortestBackOffMillis * 2 ** Math.min(failures, 10))
      quietUntil = clock.monotonic() + longest * (0.5 + fractionOf(random.stamp()) / 2)
      if (waiting.size > 0) grow()
      settleClose()
    }
  }

  function give(connection: C): void {
    if (connection.broken() || closed) {
      discard(connection)
      if (waiting.size > 0) grow()
      return
    }
    const [next] = waiting
    if (next === undefined) {
      idle.push(connection)
      return
    }
    waiting.delete(next)
    clearTimeout(next.timer)
    next.resolve(connection)
  }

  function discard(connection: C): void {
    open -= 1
    void Promise.resolve(connection.close()).catch(() => undefined)
    settleClose()
  }

  function dropIdle(): void {
    for (const connection of idle.splice(0)) discard(connection)
  }

  function settleClose(): void {
    if (closed && open === 0) emptied?.()
  }

  return {
    async use(work) {
      const connection = await take()
      try {
        return await work(connection)
      } finally {
        give(connection)
      }
    },
    dropIdle,
    async close() {
      closed = true
      clearTimeout(quietTimer)
      for (const { reject, timer } of waiting) {
        clearTimeout(timer)
        reject(new AttemptFailed('the store is closed', 'none'))
      }
      waiting.clear()
      dropIdle()
      if (open > 0) await new Promise<void>((resolve) => (emptied = resolve))
    },
  }
}
