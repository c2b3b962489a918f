import type { Kind, Ref } from '../../domain/record.ts'
import type { Changes } from '../port.ts'
import { numberOf, textOf } from './columns.ts'
import type { Connection } from './connection.ts'
import type { Statements } from './statements.ts'

/** What changed since a cursor. Numbers follow each other in the order of commits, so whoever saw one saw all before it. */
export async function changesSince(
  connection: Connection,
  sql: Statements,
  cursor: string | undefined,
): Promise<Changes> {
  const { rows } = await connection.query(sql.newest)
  const newest = numberOf(rows[0]?.[0]) ?? 0
  const oldest = numberOf(rows[0]?.[1]) ?? newest + 1
  const since = cursor === undefined ? newest : Number(cursor)
  if (since === newest) return { cursor: String(newest), forget: [] }
  if (!(since >= oldest - 1 && since < newest)) return { cursor: String(newest), forget: 'lost' }
  const lines = await connection.query(sql.changes, [since, newest])
  // A sweep came in between.
  if (lines.rows.length !== newest - since) return { cursor: String(newest), forget: 'lost' }
  const forget = lines.rows.map(([kind, id]): Ref => ({ kind: kind as Kind, id: textOf(id) }))
  return { cursor: String(newest), forget }
}
