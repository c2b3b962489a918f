import type { SqlAddress } from '../../config/sql-address.ts'
import { StoreRefused } from '../refused.ts'
import { AttemptFailed } from '../sql/attempt-failed.ts'
import type { Connection } from './connection.ts'
import { isPostgres } from './is-postgres.ts'

/**
 * What must be so on every connection, whatever the server's administrator made the default.
 * Throws AttemptFailed for a host to pass over, StoreRefused for one that keeps no promise.
 */
export async function settle(
  { query }: Pick<Connection, 'query'>,
  { standby }: Pick<SqlAddress, 'standby'>,
): Promise<void> {
  const { rows } = await query(
    "SELECT pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('fsync', true), version()",
  )
  const [isStandby, synchronous, fsync, version] = rows[0] ?? []
  // A standby may be behind: what it shows is no basis for a decision.
  if (isStandby === true) throw new AttemptFailed('the server is a standby, which takes no writes', 'none')
  // An answer means that it is on disk, and no session can ask for that by itself. Other products keep their rows elsewhere.
  if (fsync === 'off' && isPostgres(version))
    throw new StoreRefused(
      "the store can't be opened: fsync is off, so the server says yes before it has written; turn it on",
    )
  // Where a failover isn't fenced, it means that the standby has it as well.
  const waitsForTooLittle = synchronous === 'off' || (synchronous === 'local' && standby === 'synchronous')
  if (waitsForTooLittle) await query('SET synchronous_commit = on')
}
