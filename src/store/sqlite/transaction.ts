import type { DatabaseSync } from 'node:sqlite'
import { verdictOf, type Verdict } from './verdict.ts'

/** A write transaction that didn't go through, and what follows from it. */
export class TransactionFailed extends Error {
  readonly verdict: Verdict

  constructor(cause: unknown, verdict: Verdict) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'TransactionFailed'
    this.verdict = verdict
  }
}

/** Runs work in a write transaction, durable when it returns. Throws TransactionFailed. */
export type Transaction = <T>(work: () => T) => T

export function createTransaction(db: DatabaseSync): Transaction {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  return (work) => {
    // The same error weighs more at the commit: there it may leave open what is on the disk.
    let during: 'unit' | 'commit' = 'unit'
    try {
      begin.run()
      const result = work()
      during = 'commit'
      commit.run()
      return result
    } catch (error) {
      const verdict = verdictOf(error, during)
      // Some errors have rolled back already. After a fatal one the file isn't touched again.
      if (verdict !== 'fatal' && db.isTransaction) db.exec('ROLLBACK')
      throw new TransactionFailed(error, verdict)
    }
  }
}
