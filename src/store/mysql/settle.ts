import { StoreRefused } from '../refused.ts'
import { AttemptFailed } from '../sql/attempt-failed.ts'
import type { Connection, ConnectionLimits } from './connection.ts'

/** MySQL knows no limit for transactions alone: an idle connection ends with them, and the pool makes another. */
const sessionIdleSeconds = 30

/**
 * What must be so on every connection, whatever the server's administrator made the default.
 * Throws AttemptFailed for a host to pass over, StoreRefused for one that keeps no promise.
 */
export async function settle(
  connection: Pick<Connection, 'one' | 'all'>,
  limits: Pick<ConnectionLimits, 'statementSeconds' | 'lockSeconds' | 'idleSeconds'>,
): Promise<void> {
  const { rows } = await connection.one({
    text: 'SELECT version(), @@global.read_only, @@global.innodb_flush_log_at_trx_commit, @@global.log_bin, @@global.sync_binlog',
  })
  const [version, readOnly, flush, binaryLog, syncEvery] = rows[0] ?? []
  const isMariaDb = String(version).includes('MariaDB')
  // A replica may be behind: what it shows is no basis for a decision.
  if (Number(readOnly) !== 0) throw new AttemptFailed('the server is a replica, or read-only', 'none')
  const problem = whyNotDurable(Number(flush), Number(binaryLog) === 0 ? undefined : Number(syncEvery), isMariaDb)
  if (problem !== undefined)
    throw new StoreRefused(
      `the store can't be opened: ${problem}, so the server says yes before it has written; set it to 1`,
    )
  await connection.all(
    [
      'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
      `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
      'SET SESSION autocommit = 1',
      `SET SESSION innodb_lock_wait_timeout = ${limits.lockSeconds}`,
      ...(isMariaDb
        ? [
            `SET SESSION max_statement_time = ${limits.statementSeconds}`,
            `SET SESSION idle_transaction_timeout = ${limits.idleSeconds}`,
          ]
        : [
            `SET SESSION max_execution_time = ${limits.statementSeconds * 1_000}`,
            `SET SESSION wait_timeout = ${Math.max(sessionIdleSeconds, limits.idleSeconds)}`,
          ]),
    ].map((text) => ({ text })),
  )
}

/**
 * An answer means that it is on disk, and no session can ask for that by itself. `syncEvery`: undefined without a binary log.
 * With one, InnoDB leaves the last sync of a commit to it: after a crash, what it lacks is rolled back. MariaDB's 3 does both.
 */
function whyNotDurable(flush: number, syncEvery: number | undefined, isMariaDb: boolean): string | undefined {
  if (isMariaDb && flush === 3) return undefined
  if (flush !== 1) return `innodb_flush_log_at_trx_commit is ${flush}`
  return syncEvery === undefined || syncEvery === 1 ? undefined : `sync_binlog is ${syncEvery} beside a binary log`
}
