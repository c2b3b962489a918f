import type { EpochSeconds } from '../../protocol/time.ts'
import { numberOf } from './columns.ts'
import type { Connection } from './connection.ts'
import type { Statements } from './statements.ts'
import type { Swept } from './swept.ts'

/** One step of a sweep of one bucket, in one round trip. Returns how many were deleted. */
export async function sweepEvents(
  { query }: Connection,
  sql: Statements,
  {
    bucket,
    before,
    limit,
    swept,
  }: { readonly bucket: string; readonly before: EpochSeconds; readonly limit: number; readonly swept: Swept },
): Promise<number> {
  const { rows, count } = await query(sql.sweepEvents, [bucket, swept.from(before), before, limit])
  // They come in no order.
  const last = rows.reduce((latest, [at]) => Math.max(latest, numberOf(at) ?? latest), Number.MIN_SAFE_INTEGER)
  swept.done(before, count < limit ? undefined : last)
  return count
}
