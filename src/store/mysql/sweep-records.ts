import type { EpochSeconds } from '../../protocol/time.ts'
import type { Connection } from './connection.ts'
import { sql } from './sql-text.ts'

/** One step of a sweep, in one transaction. */
export async function sweepRecords(
  connection: Connection,
  now: EpochSeconds,
  limit: number,
): Promise<{ readonly looked: number; readonly deleted: number }> {
  try {
    const [, found] = await connection.all([
      sql`START TRANSACTION`,
      sql`SELECT kind, id, expires_at, owners FROM gatehouse_record WHERE sweep_at < ${now}
          ORDER BY sweep_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`,
    ])
    const due = (found?.rows ?? []).map(([kind, id, end, owners]) => ({
      kind: String(kind),
      id: String(id),
      expiresAt: end === null ? null : Number(end),
      owners: JSON.parse(String(owners)) as string[],
    }))
    const expired = due.filter(({ expiresAt }) => expiresAt !== null && expiresAt < now)
    const later = due.filter(({ expiresAt }) => expiresAt === null || expiresAt >= now)
    await connection.all([
      ...expired.map(({ kind, id }) => sql`DELETE FROM gatehouse_record WHERE kind = ${kind} AND id = ${id}`),
      ...expired.flatMap(({ kind, id, owners }) =>
        owners.map((owner) => sql`DELETE FROM gatehouse_link WHERE kind = ${kind} AND owner = ${owner} AND id = ${id}`),
      ),
      ...later.map(
        ({ kind, id, expiresAt }) =>
          sql`UPDATE gatehouse_record SET sweep_at = ${expiresAt} WHERE kind = ${kind} AND id = ${id}`,
      ),
      sql`COMMIT`,
    ])
    return { looked: due.length, deleted: expired.length }
  } catch (error) {
    await connection.one(sql`ROLLBACK`).catch(() => connection.close())
    throw error
  }
}
