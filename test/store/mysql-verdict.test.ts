import { describe, expect, test } from 'vitest'
import { failureOf } from '../../src/store/mysql/verdict.ts'
import { StoreRefused } from '../../src/store/refused.ts'
import { AttemptFailed } from '../../src/store/sql/attempt-failed.ts'
import type { Stage } from '../../src/store/sql/dialect.ts'

/** What the server said, or what the driver says when the connection is gone: its numbers are the system's, without a state. */
function errorOf(number: number | undefined): Error {
  if (number === undefined) return Object.assign(new Error('Connection lost'), { errno: -104, code: 'ECONNRESET' })
  return Object.assign(new Error('what the server said'), { errno: number, sqlState: 'HY000' })
}

/** The verdict, and whether the other connections are taken to be over as well. */
function verdictOf(number: number | undefined, stage: Stage): readonly [verdict: string, sessionsOver: boolean] {
  const failure = failureOf(errorOf(number), stage)
  return failure instanceof AttemptFailed ? [failure.verdict, failure.sessionsOver] : ['refused', false]
}

describe('what an error of MySQL or MariaDB means', () => {
  test.each([
    // Nothing was committed, and who was in the way is gone: a deadlock, a row that another one just made.
    [1213, 'before', 'again', false],
    [1062, 'before', 'again', false],
    [1062, 'single', 'again', false],
    // At the end nothing says that nothing happened.
    [1213, 'commit', 'unknown', false],
    [1290, 'commit', 'unknown', false],
    [1053, 'commit', 'unknown', true],
    [undefined, 'commit', 'unknown', true],
    // A statement that is all of it, in a session that ended: shut down, killed, cut off.
    [1053, 'single', 'unknown', true],
    [1317, 'single', 'unknown', true],
    [1927, 'single', 'unknown', true],
    [undefined, 'single', 'unknown', true],
    // Before the end, a session that ended took everything with it.
    [1053, 'before', 'again', true],
    [1317, 'before', 'again', true],
    [1927, 'before', 'again', true],
    [undefined, 'before', 'again', true],
    // Read-only: its sessions are no use.
    [1290, 'before', 'none', true],
    [1792, 'before', 'none', true],
    [1836, 'single', 'none', true],
    // No disk, no memory, no connection left.
    [1021, 'before', 'none', false],
    [1114, 'single', 'none', false],
    [1041, 'before', 'none', false],
    [1040, 'before', 'none', false],
    [1203, 'before', 'none', false],
    // Somebody's own trouble, from which the others of the batch are spared.
    [1969, 'before', 'slow', false],
    [3024, 'single', 'slow', false],
    [1205, 'before', 'alone', false],
    [1406, 'before', 'alone', false],
    // Waiting won't help.
    [1044, 'before', 'refused', false],
    [1045, 'before', 'refused', false],
    [1049, 'before', 'refused', false],
    [1142, 'before', 'refused', false],
    [1698, 'before', 'refused', false],
  ] as const)('%s, %s the end: %s', (number, stage, verdict, sessionsOver) => {
    expect(verdictOf(number, stage)).toEqual([verdict, sessionsOver])
  })

  test('what was judged already stays as it is', () => {
    const known = [new AttemptFailed('no', 'slow'), new StoreRefused('never')]
    for (const error of known) expect(failureOf(error, 'commit')).toBe(error)
  })

  test('the error itself is kept as its cause; its words are said, but not of one whom the server turned away: they name user and host', () => {
    const error = errorOf(1021)
    expect(failureOf(error, 'before')).toMatchObject({ message: 'what the server said', cause: error })
    expect(failureOf(errorOf(1205), 'before').message).toBe('somebody keeps a lock on a record')
    expect(failureOf(errorOf(1045), 'before').message).toBe(
      "the store can't be opened: the user or the password is wrong",
    )
  })
})
