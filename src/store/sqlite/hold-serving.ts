import { closeSync, openSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '../refused.ts'
import { verdictOf } from './verdict.ts'

/**
 * FLT-34: one server to a file. The lease is a lock of the operating system on a file beside it, which ends with the process
 * however that ends, so a restart never waits; commands and workers, which don't take it, work beside the server.
 * Returns what gives it back. Throws StoreRefused.
 */
export function holdServing(path: string): () => void {
  const real = realpathSync(path)
  const lockFile = join(dirname(real), `${basename(real).replaceAll('.', '-')}.serving`)
  // Created first, so that it is never anybody else's to read.
  closeSync(openSync(lockFile, 'a', 0o600))
  const db = new DatabaseSync(lockFile, { timeout: 0 })
  try {
    // Nothing is ever written to it: the transaction that would write stays open.
    db.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (verdictOf(error, 'unit') !== 'busy') throw error
    throw new StoreRefused(
      `the store ${path} is served by another process already: stop that one first, or name another store`,
      { cause: error },
    )
  }
  return () => db.close()
}
