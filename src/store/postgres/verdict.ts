import pg from 'pg'
import { StoreRefused } from '../refused.ts'
import { AttemptFailed } from '../sql/attempt-failed.ts'
import type { Stage } from '../sql/dialect.ts'

/** Whoever was in the way is gone by the next attempt: a serialization failure, a deadlock, a row that another one just made, a count that was off. */
const again = ['40001', '40P01', '23505', '22012', '25P02']
/** Waiting won't help, and it is said at the start. */
const refused: Readonly<Record<string, string>> = {
  '28P01': 'the password is wrong',
  '28000': 'the server lets nobody in under that name from here',
  '3D000': 'there is no such database',
  '42501': 'the user may not do that; make it the owner of the schema',
}

/** 08: connection, 57P: shut down, 58: system error, XX: internal; 40003 says that it doesn't know. */
const sessionEnds = /^(?:08|57P|58|XX|40003)/

/** What an error of the driver or the server means to those who wait (classes of SQLSTATE: PostgreSQL, appendix A). */
export function failureOf(error: unknown, stage: Stage): AttemptFailed | StoreRefused {
  if (error instanceof AttemptFailed || error instanceof StoreRefused) return error
  const state = sqlStateOf(error)
  const words = error instanceof Error ? error.message : String(error)
  const cutOff = state === undefined || state.startsWith('08') || state.startsWith('57P')
  const failed = (verdict: AttemptFailed['verdict'], why: string, sessionsOver = cutOff): AttemptFailed =>
    new AttemptFailed(why, verdict, { cause: error, sessionsOver })
  // Serialization failures say that nothing was committed, even when they come at the end (CockroachDB).
  if (state === '40001' || state === '40P01') return failed('again', words)
  if (stage === 'commit') return failed('unknown', words)
  // A statement that the server refused did nothing; one whose session ended may have.
  if (stage === 'single' && (state === undefined || sessionEnds.test(state))) return failed('unknown', words)
  if (state === undefined) return failed('again', `the connection was lost (${words})`)
  if (again.includes(state)) return failed('again', words)
  const why = refused[state]
  if (why !== undefined) return new StoreRefused(`the store can't be opened: ${why} (${words})`, { cause: error })
  // 55P03: a lock that somebody keeps; the others of the batch don't need it.
  if (state === '55P03') return failed('alone', 'somebody keeps a lock on a record')
  if (state === '57014') return failed('slow', 'the statement took too long')
  if (state === '25006') return failed('none', 'the server is read-only', true)
  if (state.startsWith('57P')) return failed('again', words)
  // 53: out of disk, memory or connections.
  if (state.startsWith('53') || sessionEnds.test(state)) return failed('none', words)
  return failed('alone', words)
}

/** The five characters of SQLSTATE, if it was the server that said them. */
export function sqlStateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}
