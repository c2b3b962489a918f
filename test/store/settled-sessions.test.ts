import { describe, expect, test } from 'vitest'
import type { Sql } from '../../src/store/mysql/sql-text.ts'
import { settle as settleMysql } from '../../src/store/mysql/settle.ts'
import { settle as settlePostgres } from '../../src/store/postgres/settle.ts'

type Row = readonly unknown[]

/** What a session on such a PostgreSQL is told: recovery, synchronous_commit, fsync, version. */
async function onPostgres(row: Row, standby?: 'synchronous'): Promise<readonly string[]> {
  const told: string[] = []
  const query = async (statement: unknown) => {
    told.push(String(statement))
    return { rows: told.length === 1 ? [row] : [], command: '', count: 0 }
  }
  await settlePostgres({ query }, standby === undefined ? {} : { standby })
  return told.slice(1)
}

describe('a session on PostgreSQL', () => {
  const version = 'PostgreSQL 18.4 on x86_64-pc-linux-gnu'
  const on = ['SET synchronous_commit = on']

  test.each(['on', 'remote_apply', 'remote_write'])('keeps what waits for the disk: %s', async (synchronous) => {
    expect(await onPostgres([false, synchronous, 'on', version])).toEqual([])
  })

  test('waits for the disk where the default is not to, and for the standby where a failover isn’t fenced', async () => {
    expect(await onPostgres([false, 'off', 'on', version])).toEqual(on)
    expect(await onPostgres([false, 'local', 'on', version])).toEqual([])
    expect(await onPostgres([false, 'local', 'on', version], 'synchronous')).toEqual(on)
    expect(await onPostgres([false, 'remote_apply', 'on', version], 'synchronous')).toEqual([])
  })

  test('is refused where nothing is ever synced, but not where a setting of that name means nothing', async () => {
    await expect(onPostgres([false, 'on', 'off', version])).rejects.toMatchObject({
      name: 'StoreRefused',
      message: /fsync is off.*; turn it on/,
    })
    expect(await onPostgres([false, 'on', 'off', 'PostgreSQL 15.2-YB-2025.1.0.0-b0 on x86_64'])).toEqual([])
    expect(await onPostgres([false, 'on', null, 'CockroachDB CCL v25.2.0 (x86_64-pc-linux-gnu)'])).toEqual([])
  })

  test('is left on a standby', async () => {
    await expect(onPostgres([true, 'on', 'on', version])).rejects.toMatchObject({ verdict: 'none' })
  })
})

const limits = { statementSeconds: 2, lockSeconds: 1, idleSeconds: 4 }

/** What a session on such a server is told: version, read_only, innodb_flush_log_at_trx_commit, log_bin, sync_binlog. */
async function onMysql(row: Row, given = limits): Promise<readonly string[]> {
  const told: string[] = []
  await settleMysql(
    {
      one: async () => ({ rows: [row], count: 1 }),
      all: async (statements: readonly Sql[]) => {
        told.push(...statements.map(({ text }) => text))
        return []
      },
    },
    given,
  )
  return told
}

describe('a session on MySQL or MariaDB', () => {
  const mysql = '8.4.6'
  const mariadb = '10.11.14-MariaDB-0+deb12u2'
  const always = [
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    'SET SESSION autocommit = 1',
    'SET SESSION innodb_lock_wait_timeout = 1',
  ]

  test('has our isolation, strictness and limits, each server in its words', async () => {
    expect(await onMysql([mariadb, 0, 1, 0, 0])).toEqual([
      ...always,
      'SET SESSION max_statement_time = 2',
      'SET SESSION idle_transaction_timeout = 4',
    ])
    expect(await onMysql([mysql, 0, 1, 1, 1])).toEqual([
      ...always,
      'SET SESSION max_execution_time = 2000',
      'SET SESSION wait_timeout = 30',
    ])
    expect((await onMysql([mysql, 0, 1, 1, 1], { ...limits, idleSeconds: 3_600 })).at(-1)).toBe(
      'SET SESSION wait_timeout = 3600',
    )
  })

  test.each([
    [mysql, 0, 0],
    [mysql, 2, 0],
    [mysql, 3, 0],
    [mariadb, 0, 1],
    [mariadb, 2, 1],
  ])('on %s with innodb_flush_log_at_trx_commit = %i is refused', async (version, flush, binaryLog) => {
    await expect(onMysql([version, 0, flush, binaryLog, 1])).rejects.toMatchObject({
      name: 'StoreRefused',
      message: expect.stringContaining(`innodb_flush_log_at_trx_commit is ${flush}`) as string,
    })
  })

  test.each([0, 2, 1_000])(
    'is refused beside a binary log that is synced every %i commits: InnoDB leaves the sync to it',
    async (syncEvery) => {
      for (const version of [mysql, mariadb])
        await expect(onMysql([version, 0, 1, 1, syncEvery])).rejects.toMatchObject({
          name: 'StoreRefused',
          message: expect.stringContaining(`sync_binlog is ${syncEvery} beside a binary log`) as string,
        })
      // Without one there is nothing to sync, and MariaDB's 3 syncs by itself.
      await onMysql([mysql, 0, 1, 0, syncEvery])
      await onMysql([mariadb, 0, 3, 1, syncEvery])
    },
  )

  test('is left on a replica', async () => {
    await expect(onMysql([mysql, 1, 1, 1, 1])).rejects.toMatchObject({ verdict: 'none' })
  })
})
