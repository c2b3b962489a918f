import { buckets } from '../../domain/bucket.ts'
import type { Kind } from '../../domain/record.ts'
import type { EpochSeconds } from '../../protocol/time.ts'
import { bytes, columnsOf, kindAndId, numberOf, ownersOf, textOf } from './columns.ts'
import type { Connection } from './connection.ts'
import type { Statements } from './statements.ts'

/** Small enough that whoever wants a swept record waits a few milliseconds at most. */
const rowsPerStep = 200

type Order = { readonly now: EpochSeconds; readonly eventsBefore: EpochSeconds; readonly limit: number }
type Use = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>

/** Delete what expired, in steps; each may use another connection. Several nodes may sweep at once: each takes other rows. */
export async function sweep(use: Use, sql: Statements, order: Order): Promise<number> {
  let left = order.limit
  for (;;) {
    const limit = Math.min(rowsPerStep, left)
    const { looked, deleted } = await use((connection) => sweepRecords(connection, sql, order.now, limit))
    left -= deleted
    if (left === 0 || looked < limit) break
  }
  for (const bucket of buckets) {
    for (let deleted = rowsPerStep; deleted === rowsPerStep && left > 0;) {
      const limit = Math.min(rowsPerStep, left)
      const values = [bucket, order.eventsBefore, limit]
      deleted = (await use((connection) => connection.query(sql.sweepEvents, values))).count
      left -= deleted
    }
  }
  // Lines of the feed aren't records: their records are, and went with the others.
  await use((connection) => connection.query(sql.sweepChanges, [order.now]))
  return order.limit - left
}

type Due = {
  readonly kind: Kind
  readonly id: string
  readonly expiresAt: number | null
  readonly owners: readonly string[]
}

async function sweepRecords(
  connection: Connection,
  sql: Statements,
  now: EpochSeconds,
  limit: number,
): Promise<{ readonly looked: number; readonly deleted: number }> {
  try {
    const [, found] = await Promise.all([connection.query(sql.begin), connection.query(sql.due, [now, limit])])
    const due = found.rows.map(([kind, id, expiresAt, owners]): Due => ({
      kind: kind as Kind,
      id: textOf(id),
      expiresAt: numberOf(expiresAt),
      owners: ownersOf(owners),
    }))
    const expired = due.filter(({ expiresAt }) => expiresAt !== null && expiresAt < now)
    const later = due.filter(({ expiresAt }) => expiresAt === null || expiresAt >= now)
    const links = expired.flatMap(({ kind, id, owners }) => owners.map((owner) => ({ kind, id, owner })))
    // They are locked, so their number is known: it is asserted all the same.
    await Promise.all([
      connection.query(sql.unclaim, [...columnsOf(expired, kindAndId), expired.length]),
      connection.query(
        sql.unlink,
        columnsOf(links, [({ kind }) => kind, ({ owner }) => bytes(owner), ({ id }) => bytes(id)]),
      ),
      connection.query(sql.refile, columnsOf(later, [...kindAndId, ({ expiresAt }) => expiresAt])),
      connection.query(sql.commit),
    ])
    return { looked: due.length, deleted: expired.length }
  } catch (error) {
    await connection.query(sql.rollback).catch(() => connection.close())
    throw error
  }
}
