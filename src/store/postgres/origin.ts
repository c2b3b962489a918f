import type { Connection } from './connection.ts'
import { sqlStateOf } from './verdict.ts'

/** A server's own history: it splits where a standby is promoted, and where a backup is restored by PostgreSQL's own means. */
export type Origin = { readonly system: string; readonly timeline: number }

/** Undefined where the server can't say: another product that speaks the protocol, or a host that keeps it to itself. */
export async function originOf({ query }: Connection): Promise<Origin | undefined> {
  const { rows } = await orNothing(
    query(
      `SELECT (SELECT system_identifier::text FROM pg_control_system()), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`,
    ),
  )
  const [row] = rows
  return row === undefined ? undefined : { system: String(row[0]), timeline: Number.parseInt(String(row[1]), 16) }
}

/** The origin under which the tables were served last; undefined where there is none yet. */
export async function servedOrigin({ query }: Connection, schema: string): Promise<string | undefined> {
  const { rows } = await orNothing(query(`SELECT value FROM "${schema}".house WHERE name = 'origin'`))
  return rows[0] === undefined ? undefined : String(rows[0][0])
}

export function printOrigin({ system, timeline }: Origin): string {
  return `${system}/${timeline}`
}

/** No such function or table, not allowed, or not done here: an answer, too. */
const noAnswer = ['42883', '42501', '42P01', '3F000', '0A000', 'XXUUU']

async function orNothing(asking: ReturnType<Connection['query']>): ReturnType<Connection['query']> {
  try {
    return await asking
  } catch (error) {
    if (noAnswer.includes(sqlStateOf(error) ?? '')) return { rows: [], command: '', count: 0 }
    throw error
  }
}
