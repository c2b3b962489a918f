import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../protocol/time.ts'

/** One state of the file for reads that follow closely upon each other. */
export type Snapshot = {
  /** Before every read. */
  readonly take: () => void
  /** Let go of it, so that the next read sees what was committed meanwhile. */
  readonly drop: () => void
  /** Somebody asks who may have heard of everything that was committed until now. */
  readonly arrival: () => void
  /** Tells one snapshot from the next. */
  readonly number: () => number
}

/**
 * Less than it takes another process's answer to reach somebody and his next request to reach us, so nobody can find out
 * that two reads shared a snapshot.
 */
const longestMillis = 0.1
const longestSharedMillis = 1

/**
 * Taking and dropping SQLite's read lock costs more than a point lookup, so neighbouring reads share it. Never beyond the
 * turn of the event loop: a lock that is kept would keep the log from being emptied.
 *
 * What arrives in one turn was on its way before the turn looked at the sockets, so a snapshot from after the first of those arrivals
 * shows each of them all that its sender can have heard of. Not quite all: with a thousand sockets at once the turn looks at them
 * again, and a socket that is read late may bring what was sent meanwhile. So it is shared for a millisecond and no longer.
 */
export function createSnapshot(db: DatabaseSync, clock: Pick<Clock, 'monotonic'>): Snapshot {
  const begin = db.prepare('BEGIN')
  const end = db.prepare('COMMIT')
  const undo = db.prepare('ROLLBACK')
  let held = false
  let takenAt = 0
  let count = 0
  let ending = false
  /** Whether what is held, if anything is, is from after the first arrival of this turn. */
  let shared = false

  return { take, drop, arrival, number: () => count }

  function take(): void {
    const now = clock.monotonic()
    if (held && now - takenAt <= (shared ? longestSharedMillis : longestMillis)) return
    drop()
    begin.run()
    held = true
    takenAt = now
    count += 1
    dropAtEndOfTurn()
  }

  function arrival(): void {
    if (shared) return
    drop()
    shared = true
    dropAtEndOfTurn()
  }

  function dropAtEndOfTurn(): void {
    if (ending) return
    ending = true
    setImmediate(endTurn)
  }

  function endTurn(): void {
    ending = false
    shared = false
    drop()
  }

  function drop(): void {
    if (!held) return
    held = false
    // Some errors have ended it already. Others come up once more here, after whoever read has been told of them.
    if (!db.isTransaction) return
    try {
      end.run()
    } catch {
      if (db.isTransaction) undo.run()
    }
  }
}
