import type { DatabaseSync } from 'node:sqlite'

/** One snapshot for everything that is read within one turn of the event loop. */
export type Turn = {
  /** Before every read. */
  readonly enter: () => void
  /** Let go of the snapshot, so that the next read sees what was committed meanwhile. */
  readonly leave: () => void
  /** Tells one snapshot from the next. */
  readonly number: () => number
}

/**
 * Taking and dropping SQLite's read lock costs more than a point lookup, so the reads of a turn share it. Nobody notices:
 * a request that was sent after somebody else's answer is not read from its socket before the next turn, and after an answer
 * of our own writer the snapshot is dropped at once.
 */
export function createTurn(db: DatabaseSync): Turn {
  const begin = db.prepare('BEGIN')
  const end = db.prepare('COMMIT')
  let within = false
  let count = 0

  return { enter, leave, number: () => count }

  function enter(): void {
    if (within) return
    begin.run()
    within = true
    count += 1
    setImmediate(leave)
  }

  function leave(): void {
    if (!within) return
    within = false
    // Some errors have ended it already.
    if (db.isTransaction) end.run()
  }
}
