import type { HeldConnection } from '../domain/connection.ts'
import type { Clock, Seconds } from '../protocol/time.ts'

/** How old tokens are, by whichever clock says more: a wall clock that was set back must not make a dead token look alive (L29). */
export type TokenAges = {
  readonly of: (connectionId: string, connection: Pick<HeldConnection, 'edition' | 'issuedAt'>) => Seconds
}

type Seen = { readonly edition: number; readonly age: Seconds; readonly at: number }

/** About 150 bytes each. */
const mostSeen = 20_000

export function createTokenAges(clock: Pick<Clock, 'seconds' | 'monotonic'>): TokenAges {
  const seen = new Map<string, Seen>()
  return {
    of: (connectionId, { edition, issuedAt }) => {
      const byWall = Math.max(0, clock.seconds() - issuedAt)
      const before = seen.get(connectionId)
      if (before?.edition === edition)
        return Math.max(byWall, before.age + Math.floor((clock.monotonic() - before.at) / 1000))
      if (seen.size >= mostSeen) seen.delete(seen.keys().next().value ?? '')
      // Delete first, so that what is new stands last.
      seen.delete(connectionId)
      seen.set(connectionId, { edition, age: byWall, at: clock.monotonic() })
      return byWall
    },
  }
}
