import type { HeldConnection } from '../domain/connection.ts'
import type { Clock, Seconds } from '../protocol/time.ts'

/**
 * What this process has seen of connections, by the clock that nobody can set: the times in a record are another node's. It may
 * forget, and knows nothing after a start; docs/decisions/0018 says what follows from that.
 */
export type Sightings = {
  /** How old its tokens are, by whichever clock says more: a wall clock that was set back must not make a dead token look alive (L29). */
  readonly age: (id: string, connection: Pick<HeldConnection, 'edition' | 'issuedAt'>) => Seconds
  /** How long yet until its next refresh may be tried: never longer than the pause, from when its failure was first seen here. */
  readonly pauseLeft: (id: string, connection: Pick<HeldConnection, Failed>) => Seconds
  /** The latest edition; 0: none. L19: a read that begins afterwards and brings an older one brings what was put back. */
  readonly newest: (id: string) => number
  readonly saw: (id: string, edition: number) => void
}

type Failed = 'edition' | 'failures' | 'retryAt' | 'pause'

type Seen = {
  readonly edition: number
  readonly age: Seconds
  readonly at: number
  readonly paused?: { readonly failures: number; readonly until: number }
}

/** About 150 bytes each. */
const mostSeen = 20_000

export function createSightings(clock: Pick<Clock, 'seconds' | 'monotonic'>): Sightings {
  const seen = new Map<string, Seen>()

  function note(id: string, sight: Seen): void {
    if (seen.size >= mostSeen) seen.delete(seen.keys().next().value ?? '')
    // Delete first, so that what is new stands last.
    seen.delete(id)
    seen.set(id, sight)
  }

  return {
    age: (id, { edition, issuedAt }) => {
      const byWall = Math.max(0, clock.seconds() - issuedAt)
      const before = seen.get(id)
      if (before?.edition === edition)
        return Math.max(byWall, before.age + Math.floor((clock.monotonic() - before.at) / 1000))
      if (before === undefined || before.edition < edition) note(id, { edition, age: byWall, at: clock.monotonic() })
      return byWall
    },
    pauseLeft: (id, { edition, failures, retryAt, pause = 0 }) => {
      if (failures === undefined || retryAt === undefined) return 0
      const byWall = Math.min(Math.max(0, retryAt - clock.seconds()), pause)
      const before = seen.get(id)
      if (before?.edition !== edition) return byWall
      const isKnown = before.paused?.failures === failures
      const until = isKnown ? before.paused.until : clock.monotonic() + byWall * 1000
      if (!isKnown) seen.set(id, { ...before, paused: { failures, until } })
      return Math.max(0, Math.ceil((until - clock.monotonic()) / 1000))
    },
    newest: (id) => seen.get(id)?.edition ?? 0,
    saw: (id, edition) => {
      if (edition > (seen.get(id)?.edition ?? 0)) note(id, { edition, age: 0, at: clock.monotonic() })
    },
  }
}
