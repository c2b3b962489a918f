import { StoreContended } from './contended.ts'
import type { OwnedRecord, StampedWrite, Store } from './port.ts'
import type { AuditEvent } from '../domain/event.ts'
import type { Version } from '../domain/record.ts'

/** Takes writes one by one and commits them in parts, of which nothing is promised but that all are there after `end`. */
export type Fill = { readonly add: (write: StampedWrite) => Promise<void>; readonly end: () => Promise<void> }

/** With their links no more than DynamoDB takes at once. */
const writesPerCommit = 20
const commitsAtOnce = 8

export function createFill(store: Store): Fill {
  let part: StampedWrite[] = []
  let running: Promise<void>[] = []

  async function add(write: StampedWrite): Promise<void> {
    part.push(write)
    if (part.length < writesPerCommit) return
    running.push(commitPart(store, part))
    part = []
    if (running.length < commitsAtOnce) return
    const begun = running
    running = []
    await Promise.all(begun)
  }

  return {
    add,
    async end() {
      if (part.length > 0) running.push(commitPart(store, part))
      part = []
      await Promise.all(running)
      running = []
    },
  }
}

/** The record as it is, over `expect`. An event has no version but its own. */
export function writeOf(
  { kind, id, version, value, owners, expiresAt }: OwnedRecord,
  expect: Version | null,
): StampedWrite {
  // A record of kind `event` holds an event.
  if (kind === 'event') return { op: 'append', id, event: value as AuditEvent }
  return { op: 'put', kind, id, expect, version, value, owners, expiresAt: expiresAt ?? null }
}

async function commitPart(store: Store, writes: readonly StampedWrite[]): Promise<void> {
  if ((await store.commit(writes)) === 'committed') return
  throw new StoreContended('somebody else writes to the store while it is being filled: stop whoever does')
}
