import type { Kind } from '../../domain/record.ts'
import type { EpochSeconds } from '../../protocol/time.ts'
import { bytes, columnsOf, kindAndId, numberOf, ownersOf, textOf } from './columns.ts'
import type { Connection } from './connection.ts'
import type { Statements } from './statements.ts'
import type { Swept } from './swept.ts'

type Due = {
  readonly kind: Kind
  readonly id: string
  readonly expiresAt: number | null
  readonly owners: readonly string[]
}

/** One step of a sweep, in one transaction and two round trips. */
export async function sweepRecords(
  connection: Connection,
  sql: Statements,
  { now, limit, swept }: { readonly now: EpochSeconds; readonly limit: number; readonly swept: Swept },
): Promise<{ readonly looked: number; readonly deleted: number }> {
  try {
    const [, found] = await Promise.all([
      connection.query(sql.begin),
      connection.query(sql.due, [swept.from(now), now, limit]),
    ])
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
    swept.done(now, due.length < limit ? undefined : (numberOf(found.rows.at(-1)?.[4]) ?? undefined))
    return { looked: due.length, deleted: expired.length }
  } catch (error) {
    await connection.query(sql.rollback).catch(() => connection.close())
    throw error
  }
}
