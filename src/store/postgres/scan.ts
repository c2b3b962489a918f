import { buckets } from '../../domain/bucket.ts'
import type { Kind } from '../../domain/record.ts'
import { mergeByKey } from '../sql/merge-by-key.ts'
import type { Connection } from './connection.ts'
import type { Owned, Reader } from './reader.ts'

const pageSize = 500

/** All records of some kinds from one snapshot, page by page, on a connection of its own whose end is the caller's. */
export async function* scan(connection: Connection, reader: Reader, kinds: readonly Kind[]): AsyncGenerator<Owned> {
  await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  // Whoever reads everything may take his time between two pages.
  await connection.query('SET LOCAL idle_in_transaction_session_timeout = 0')
  for (const kind of kinds) {
    if (kind === 'event') {
      yield* mergeByKey(
        buckets.map((bucket) => pages((after) => reader.walkEvents(connection, bucket, after, pageSize))),
      )
    } else yield* pages((after) => reader.walk(connection, kind, after, pageSize))
  }
}

async function* pages(next: (after: string) => Promise<readonly Owned[]>): AsyncGenerator<Owned> {
  for (let after = ''; ;) {
    const page = await next(after)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.id
  }
}
