import { describe, expect, test } from 'vitest'
import pg from 'pg'
import { failureOf } from '../../src/store/postgres/verdict.ts'
import { StoreRefused } from '../../src/store/refused.ts'
import { AttemptFailed } from '../../src/store/sql/attempt-failed.ts'
import type { Stage } from '../../src/store/sql/dialect.ts'

/** What the server said, or what the driver says when the connection is gone. */
function errorOf(state: string | undefined): Error {
  if (state === undefined) return new Error('Connection terminated unexpectedly')
  const error = new pg.DatabaseError('what the server said', 0, 'error')
  error.code = state
  return error
}

/** The verdict, and whether the other connections are taken to be over as well. */
function verdictOf(state: string | undefined, stage: Stage): readonly [verdict: string, sessionsOver: boolean] {
  const failure = failureOf(errorOf(state), stage)
  return failure instanceof AttemptFailed ? [failure.verdict, failure.sessionsOver] : ['refused', false]
}

describe('what an error of PostgreSQL means', () => {
  test.each([
    // Nothing was committed, and who was in the way is gone.
    ['40001', 'before', 'again', false],
    ['40P01', 'before', 'again', false],
    ['23505', 'before', 'again', false],
    ['22012', 'before', 'again', false],
    ['25P02', 'before', 'again', false],
    ['23505', 'single', 'again', false],
    // CockroachDB says it at the end, too.
    ['40001', 'commit', 'again', false],
    ['40P01', 'commit', 'again', false],
    ['40001', 'single', 'again', false],
    // At the end nothing else says that nothing happened.
    ['23505', 'commit', 'unknown', false],
    ['25006', 'commit', 'unknown', false],
    ['57P01', 'commit', 'unknown', true],
    [undefined, 'commit', 'unknown', true],
    // A statement that is all of it, in a session that ended.
    [undefined, 'single', 'unknown', true],
    ['08006', 'single', 'unknown', true],
    ['57P01', 'single', 'unknown', true],
    ['58030', 'single', 'unknown', false],
    ['XX000', 'single', 'unknown', false],
    ['40003', 'single', 'unknown', false],
    // Before the end, a session that ended took everything with it.
    [undefined, 'before', 'again', true],
    ['57P01', 'before', 'again', true],
    ['08006', 'before', 'none', true],
    ['58030', 'before', 'none', false],
    ['XX000', 'before', 'none', false],
    ['53100', 'before', 'none', false],
    ['53300', 'single', 'none', false],
    // The old primary, after it was made a standby: its sessions are no use.
    ['25006', 'before', 'none', true],
    ['25006', 'single', 'none', true],
    // Somebody's own trouble, from which the others of the batch are spared.
    ['55P03', 'before', 'alone', false],
    ['57014', 'before', 'slow', false],
    ['54000', 'before', 'alone', false],
    ['22021', 'single', 'alone', false],
    // Waiting won't help.
    ['28P01', 'before', 'refused', false],
    ['28000', 'before', 'refused', false],
    ['3D000', 'before', 'refused', false],
    ['42501', 'before', 'refused', false],
  ] as const)('%s, %s the end: %s', (state, stage, verdict, sessionsOver) => {
    expect(verdictOf(state, stage)).toEqual([verdict, sessionsOver])
  })

  test('what was judged already stays as it is', () => {
    const known = [new AttemptFailed('no', 'slow'), new StoreRefused('never')]
    for (const error of known) expect(failureOf(error, 'commit')).toBe(error)
  })

  test('the error itself is kept as its cause, and its words are said', () => {
    const error = errorOf('53100')
    expect(failureOf(error, 'before')).toMatchObject({ message: 'what the server said', cause: error })
    expect(failureOf(errorOf('28P01'), 'before').message).toContain('the password is wrong')
  })
})
