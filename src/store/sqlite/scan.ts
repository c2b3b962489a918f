import { setTimeout as pause } from 'node:timers/promises'
import type { Seconds } from '../../protocol/time.ts'
import type { Kind } from '../../domain/record.ts'
import type { OwnedRecord } from '../port.ts'
import { openConnection } from './connection.ts'
import { patiently } from './patiently.ts'
import { createReader, type Reader } from './reader.ts'

const pageSize = 200
const lockedMillis = 1_000

/** All records of some kinds from one snapshot, on a connection of its own, and never more than a page per turn of the event loop. */
export async function* scan(path: string, kinds: readonly Kind[], eventTtl: Seconds): AsyncGenerator<OwnedRecord> {
  const db = await patiently(lockedMillis, () => openConnection(path, { readOnly: true }))
  try {
    const reader = createReader(db, eventTtl)
    db.exec('BEGIN')
    for (const kind of kinds) yield* scanKind(reader, kind)
  } finally {
    db.close()
  }
}

async function* scanKind({ walk }: Reader, kind: Kind): AsyncGenerator<OwnedRecord> {
  for (let after = ''; ;) {
    const page = walk(kind, after, pageSize)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last.id
    await pause(0)
  }
}
