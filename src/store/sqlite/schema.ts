import type { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '../refused.ts'
import { single } from './connection.ts'

/** "GHse" in the header of the file: this is a store of Gatehouse. */
export const applicationId = 0x47487365

/**
 * Each step leads from one schema version to the next; the file says how many it has seen.
 * Rows have integer keys so that new ones are neighbours on disk, whatever their size.
 * `sweep_at` is when a record is looked at by a sweep: never after `expires_at`, and up to a day before it, so that a
 * refresh rotation, which moves `expires_at` every time, hardly ever touches the index.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE record (
    row_id     INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    version    TEXT NOT NULL,
    value      TEXT NOT NULL,
    expires_at INTEGER,
    sweep_at   INTEGER,
    owners     TEXT,
    sum        INTEGER NOT NULL,
    UNIQUE (kind, id)
  ) STRICT;
  CREATE INDEX record_sweep ON record (sweep_at) WHERE sweep_at IS NOT NULL;

  CREATE TABLE link (
    kind  TEXT NOT NULL,
    owner TEXT NOT NULL,
    id    TEXT NOT NULL,
    PRIMARY KEY (kind, owner, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE event (
    seq    INTEGER PRIMARY KEY,
    id     TEXT NOT NULL,
    bucket TEXT NOT NULL,
    at     INTEGER NOT NULL,
    value  TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX event_id ON event (id, bucket);

  CREATE TABLE change (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  `,
]

/** Bring the schema up to date, all steps in one transaction. A file from a newer program is refused. Throws when busy. */
export function migrate(db: DatabaseSync, path: string, steps: readonly string[] = migrations): void {
  if (versionOf(db) === steps.length) return
  db.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have done it while we waited for the lock.
    const version = versionOf(db)
    if (version > steps.length) {
      throw new StoreRefused(
        `the store ${path} was written by a newer Gatehouse (schema ${version}, this one knows ${steps.length}): ` +
          'run the newer one, or restore a backup from before the upgrade',
      )
    }
    for (const step of steps.slice(version)) db.exec(step)
    db.exec(`PRAGMA application_id = ${applicationId}`)
    db.exec(`PRAGMA user_version = ${steps.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(single(db, 'PRAGMA user_version'))
}
