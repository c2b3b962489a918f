import { buckets } from '../../domain/bucket.ts'
import type { EpochSeconds } from '../../protocol/time.ts'
import type { Dialect } from './dialect.ts'
import type { Pooled } from './pool.ts'

/** Small enough that whoever wants a swept record waits a few milliseconds at most. */
const rowsPerStep = 200

type Order = { readonly now: EpochSeconds; readonly eventsBefore: EpochSeconds; readonly limit: number }

/** Delete what expired, in steps; each may use another connection. Several nodes may sweep at once: each takes other rows. */
export async function sweep<C extends Pooled>(
  use: <T>(work: (connection: C) => Promise<T>) => Promise<T>,
  dialect: Dialect<C>,
  { now, eventsBefore, limit }: Order,
): Promise<number> {
  let left = limit
  for (;;) {
    const step = Math.min(rowsPerStep, left)
    const { looked, deleted } = await use((connection) => dialect.sweepRecords(connection, now, step))
    left -= deleted
    if (left === 0 || looked < step) break
  }
  for (const bucket of buckets) {
    for (let deleted = rowsPerStep; deleted === rowsPerStep && left > 0;) {
      const step = Math.min(rowsPerStep, left)
      deleted = await use((connection) =>
        dialect.sweepEvents(connection, { bucket, before: eventsBefore, limit: step }),
      )
      left -= deleted
    }
  }
  // Lines of the feed aren't records: their records are, and went with the others.
  await use((connection) => dialect.sweepChanges(connection, now))
  return limit - left
}
