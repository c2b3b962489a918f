import { setTimeout as pause } from 'node:timers/promises'
import type { Seconds } from '../../protocol/time.ts'
import type { Kind, StoredRecord } from '../../domain/record.ts'
import { openConnection } from './connection.ts'
import { patiently } from './patiently.ts'
import { createReader } from './reader.ts'

const pageSize = 200
const lockedMillis = 1_000

/** All records of a kind from one snapshot, on a connection of its own, and never more than a page per turn of the event loop. */
export async function* scan(
  path: string,
  kind: Kind,
  eventTtl: Seconds,
): AsyncGenerator<StoredRecord & { readonly owners: readonly string[] }> {
  const db = await patiently(lockedMillis, () => openConnection(path, { readOnly: true }))
  try {
    const { walk } = createReader(db, eventTtl)
    db.exec('BEGIN')
    for (let after = ''; ;) {
      const page = walk(kind, after, pageSize)
      yield* page
      const last = page.at(-1)
      if (last === undefined || page.length < pageSize) return
      after = last.id
      await pause(0)
    }
  } finally {
    db.close()
  }
}
