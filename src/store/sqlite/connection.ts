import { DatabaseSync } from 'node:sqlite'

/** Never waits for a lock: a busy timeout would hold up the whole thread. */
export function openConnection(path: string, options: { readonly readOnly: boolean }): DatabaseSync {
  const db = new DatabaseSync(path, {
    readOnly: options.readOnly,
    timeout: 0,
    defensive: true,
    allowExtension: false,
    enableDoubleQuotedStringLiterals: false,
    enableForeignKeyConstraints: false,
    returnArrays: true,
  })
  db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY')
  // A 2xx means fsynced: in WAL mode only FULL syncs the log at each commit.
  if (!options.readOnly) db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384')
  return db
}

/** The first column of the first row. */
export function single(db: DatabaseSync, sql: string): unknown {
  const row: unknown = db.prepare(sql).get()
  return Array.isArray(row) ? row[0] : undefined
}
