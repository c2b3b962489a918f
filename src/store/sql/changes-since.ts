import type { Changes } from '../port.ts'
import type { Dialect } from './dialect.ts'
import type { Pooled } from './pool.ts'

/** What changed since a cursor. Numbers follow each other in the order of commits, so whoever saw one saw all before it. */
export async function changesSince<C extends Pooled>(
  connection: C,
  dialect: Dialect<C>,
  cursor: string | undefined,
): Promise<Changes> {
  const { newest, oldest } = await dialect.newestChange(connection)
  const since = cursor === undefined ? newest : Number(cursor)
  if (since === newest) return { cursor: String(newest), forget: [] }
  if (!(since >= (oldest ?? newest + 1) - 1 && since < newest)) return { cursor: String(newest), forget: 'lost' }
  const forget = await dialect.changes(connection, since, newest)
  // A sweep came in between.
  return { cursor: String(newest), forget: forget.length === newest - since ? forget : 'lost' }
}
