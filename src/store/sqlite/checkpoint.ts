import type { DatabaseSync } from 'node:sqlite'

/** What has been written since the log was last looked at. */
export type Checkpointer = {
  /** Tell of work done; empties the log when it has grown too long to wait for a quiet moment. */
  readonly worked: (operations: number) => void
  /** A quiet moment. */
  readonly rest: () => void
  /** Whether the log may grow. If a long reader keeps it from being emptied at its limit, it may not. */
  readonly hasRoom: () => boolean
}

/** In frames of one page: 8 MB are copied in some ten milliseconds, which nobody notices in a quiet moment. */
const restFrames = 2_000
/** 32 MB aren't put off any further. */
const hotFrames = 8_000
/** How much is written before somebody looks. */
const mostOperationsPerLook = 256
/** Frames that one operation may add: a page of the record, of its list, and of each index. */
const framesPerOperation = 8
const pageBytes = 4_096

/**
 * Moves the write-ahead log into the database when it hurts least. SQLite would do it within a commit, and would hide a
 * failed fsync.
 */
export function createCheckpointer(db: DatabaseSync, walBytes: number): Checkpointer {
  // Only looks. (SQLite before 3.51 doesn't know NOOP and copies what it can: more work, the same result.)
  const look = db.prepare('PRAGMA wal_checkpoint(NOOP)')
  const copy = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  const restart = db.prepare('PRAGMA wal_checkpoint(RESTART)')
  let operations = 0
  let frames = 0
  // A sixteenth is left for what is written between two looks.
  const spareFrames = walBytes / 16 / pageBytes
  const limitFrames = walBytes / pageBytes - spareFrames
  const operationsPerLook = Math.min(mostOperationsPerLook, spareFrames / framesPerOperation)

  return { worked, rest, hasRoom }

  function worked(count: number): void {
    operations += count
    if (operations < operationsPerLook) return
    operations = 0
    frames = framesOf(look.get())
    if (frames >= hotFrames) frames = copyLog()
  }

  function rest(): void {
    operations = 0
    frames = framesOf(look.get())
    if (frames >= restFrames) frames = copyLog()
  }

  function hasRoom(): boolean {
    if (frames < limitFrames) return true
    // Succeeds once nobody reads an old snapshot; otherwise returns at once.
    if (isBusy(restart.get())) return false
    frames = 0
    return true
  }

  /** Frames that the next commit can't write over. */
  function copyLog(): number {
    const [, log, copied] = columns(copy.get())
    return log === copied ? 0 : log
  }
}

function framesOf(row: unknown): number {
  return columns(row)[1]
}

function isBusy(row: unknown): boolean {
  return columns(row)[0] !== 0
}

function columns(row: unknown): readonly [busy: number, log: number, copied: number] {
  return row as [number, number, number]
}
