import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ownersOf } from './apply-batch.ts'
import type { SweepOrder, Swept } from './messages.ts'
import type { Transaction } from './transaction.ts'

type Due = readonly [rowId: number, kind: string, id: string, expiresAt: number | null, owners: string | null]

/** One bounded step of a sweep, in one transaction on the writer thread. */
export function createSweepStep(db: DatabaseSync, inTransaction: Transaction): (order: SweepOrder) => Swept {
  const due = db.prepare(
    'SELECT row_id, kind, id, expires_at, owners FROM record WHERE sweep_at < ? ORDER BY sweep_at LIMIT ?',
  )
  const refile = db.prepare('UPDATE record SET sweep_at = ? WHERE row_id = ?')
  const remove = db.prepare('DELETE FROM record WHERE row_id = ?')
  const unlink = db.prepare('DELETE FROM link WHERE kind = ? AND owner = ? AND id = ?')
  // Events lie in the order in which they were committed, so the oldest come first and need no index by time.
  const events = db.prepare('DELETE FROM event WHERE seq IN (SELECT seq FROM event ORDER BY seq LIMIT ?) AND at < ?')
  const changes = db.prepare(
    'DELETE FROM change WHERE seq IN (SELECT seq FROM change ORDER BY seq LIMIT ?) AND expires_at < ?',
  )

  return (order) => inTransaction(() => step(order))

  function step({ now, eventsBefore, limit }: SweepOrder): Swept {
    const rows = due.all(now, limit) as unknown as readonly Due[]
    let deleted = 0
    for (const [rowId, kind, id, expiresAt, owners] of rows) {
      if (expiresAt !== null && expiresAt < now) {
        for (const owner of ownersOf(owners)) unlink.run(kind, owner, id)
        remove.run(rowId)
        deleted += 1
      } else refile.run(expiresAt, rowId)
    }
    const left = limit - rows.length
    const old = left === 0 ? 0 : changed(events, left, eventsBefore)
    // Lines of the feed aren't records: their records are, and go with the others.
    changed(changes, limit, now)
    return { is: 'swept', deleted: deleted + old, more: left === 0 || old === left }
  }

  function changed(statement: StatementSync, limit: number, before: number): number {
    return Number(statement.run(limit, before).changes)
  }
}
