import { buckets } from '../../domain/bucket.ts'
import type { Kind } from '../../domain/record.ts'
import type { OwnedRecord } from '../port.ts'
import type { Dialect } from './dialect.ts'
import { mergeByKey } from './merge-by-key.ts'
import type { Pooled } from './pool.ts'

const pageSize = 500

/** All records of some kinds from one snapshot, page by page. The end of the connection's transaction is the caller's. */
export async function* scan<C extends Pooled>(
  connection: C,
  dialect: Dialect<C>,
  kinds: readonly Kind[],
): AsyncGenerator<OwnedRecord> {
  await dialect.snapshot(connection)
  for (const kind of kinds) {
    if (kind !== 'event') yield* pages((after) => dialect.walk(connection, { kind, after, limit: pageSize }))
    else yield* mergeByKey(buckets.map((bucket) => pages((after) => eventsOf(bucket, after))))
  }

  async function eventsOf(bucket: string, after: string): Promise<readonly OwnedRecord[]> {
    const found = await dialect.events(connection, { bucket, after, limit: pageSize })
    return found.map((record) => ({ ...record, owners: [bucket] }))
  }
}

async function* pages(next: (after: string) => Promise<readonly OwnedRecord[]>): AsyncGenerator<OwnedRecord> {
  for (let after = ''; ;) {
    const page = await next(after)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.id
  }
}
