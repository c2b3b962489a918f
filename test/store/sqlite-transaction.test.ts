import type { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createTransaction, TransactionFailed } from '../../src/store/sqlite/transaction.ts'

const fsync = 1034
const readFailed = 266
const full = 13

/** What a database was told, where one statement fails with a code of SQLite's. */
function told({
  failsAt,
  errcode,
  open = true,
}: {
  readonly failsAt: string
  readonly errcode: number
  readonly open?: boolean
}) {
  const said: string[] = []
  const run = (sql: string) => () => {
    said.push(sql)
    if (sql === failsAt) throw Object.assign(new Error('disk I/O error'), { errcode })
  }
  const db = {
    prepare: (sql: string) => ({ run: run(sql) }),
    exec: (sql: string) => void said.push(sql),
    isTransaction: open,
  } as unknown as DatabaseSync
  let verdict: string | undefined
  try {
    createTransaction(db)(run('work'))
  } catch (error) {
    if (!(error instanceof TransactionFailed)) throw error
    verdict = error.verdict
  }
  return [verdict, ...said]
}

test.each([
  ['an fsync', { failsAt: 'COMMIT', errcode: fsync }, ['fatal', 'BEGIN IMMEDIATE', 'work', 'COMMIT']],
  ['an fsync in the middle', { failsAt: 'work', errcode: fsync }, ['fatal', 'BEGIN IMMEDIATE', 'work']],
  ['a commit, nobody knows why', { failsAt: 'COMMIT', errcode: 1 }, ['fatal', 'BEGIN IMMEDIATE', 'work', 'COMMIT']],
])('FLT-05: after %s failed the file isn’t touched again, not even to roll back', (_, fault, expected) => {
  expect(told(fault)).toEqual(expected)
})

test.each([
  ['a full disk', { failsAt: 'work', errcode: full }, 'full', 'work'],
  ['a failed read', { failsAt: 'work', errcode: readFailed }, 'nothing', 'work'],
  ['a full disk at the commit', { failsAt: 'COMMIT', errcode: full }, 'full', 'COMMIT'],
])('FLT-04: after %s it is rolled back', (_, fault, verdict, last) => {
  expect(told(fault)).toEqual([
    verdict,
    'BEGIN IMMEDIATE',
    'work',
    ...(last === 'COMMIT' ? ['COMMIT'] : []),
    'ROLLBACK',
  ])
})

test('what SQLite has rolled back by itself is not rolled back again', () => {
  expect(told({ failsAt: 'work', errcode: full, open: false })).toEqual(['full', 'BEGIN IMMEDIATE', 'work'])
})
