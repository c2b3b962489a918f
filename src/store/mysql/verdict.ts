import { StoreRefused } from '../refused.ts'
import { AttemptFailed } from '../sql/attempt-failed.ts'
import type { Stage } from '../sql/dialect.ts'

/** 1213: deadlock, 1062: a row that another one just made. */
const again = [1213, 1062]
/** Waiting won't help, and it is said at the start. */
const refused: Readonly<Record<number, string>> = {
  1044: 'the user may not use that database',
  1045: 'the user or the password is wrong',
  1049: 'there is no such database',
  1142: 'the user may not do that',
  1698: 'the user may not sign in with a password',
}
/** 1290, 1836: made read-only, 1792: a transaction that was begun so. */
const readOnly = [1290, 1792, 1836]
/** A lock that somebody keeps; the others of the batch don't need it. */
const locked = 1205
/** The statement took too long. */
const slow = [1969, 3024]
/** 1021 and 1114: disk or table full, 1040 and 1203: too many connections, 1041: out of memory. */
const lacking = [1021, 1040, 1041, 1114, 1203]

/** What an error of the driver or the server means to those who wait. */
export function failureOf(error: unknown, stage: Stage): AttemptFailed | StoreRefused {
  if (error instanceof AttemptFailed || error instanceof StoreRefused) return error
  const words = error instanceof Error ? error.message : String(error)
  const failed = (verdict: AttemptFailed['verdict'], why: string, sessionsOver = false): AttemptFailed =>
    new AttemptFailed(why, verdict, { cause: error, sessionsOver })
  const code = serverCodeOf(error)
  if (stage === 'commit') return failed('unknown', words, code === undefined)
  // The session ended: killed, shut down, or cut off.
  if (code === undefined)
    return failed(stage === 'single' ? 'unknown' : 'again', `the connection was lost (${words})`, true)
  if (again.includes(code)) return failed('again', words)
  const why = refused[code]
  if (why !== undefined) return new StoreRefused(`the store can't be opened: ${why}`, { cause: error })
  if (readOnly.includes(code)) return failed('none', 'the server is read-only', true)
  if (lacking.includes(code)) return failed('none', words)
  if (slow.includes(code)) return failed('slow', 'the statement took too long')
  return failed('alone', code === locked ? 'somebody keeps a lock on a record' : words)
}

/** The server's number for it, if it was the server that said it and the session goes on. */
function serverCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errno' in error) || !('sqlState' in error)) return undefined
  // 1053: shutting down, 1317 and 1927: killed.
  const ends = [1053, 1317, 1927]
  return typeof error.errno === 'number' && !ends.includes(error.errno) ? error.errno : undefined
}
