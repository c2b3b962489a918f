import type { RetentionHistory } from '../domain/retention.ts'
import type { RecordValues } from '../domain/record.ts'
import type { OwnedRecord, StoreAdmin } from '../store/port.ts'

/**
 * The events of a store and what binds them, in the order in which one proves the other: a seal, then every event that lies
 * between its ids. What was read is unknown until it is proved.
 */
export type ChainItem =
  | { readonly is: 'begin'; readonly instanceId: unknown; readonly at: unknown; readonly retention?: unknown }
  | { readonly is: 'seal'; readonly seal: unknown; readonly entries: unknown }
  | { readonly is: 'event'; readonly id: unknown; readonly event: unknown }
  | { readonly is: 'end'; readonly head: unknown }
  | { readonly is: 'unreadable'; readonly where: string }

/** Where the chain ends, as it can be written down elsewhere. */
export type ChainHead = { readonly number: number; readonly hash: string }

/** Reads a store from its oldest event to its newest, holding a page of each kind. */
export async function* walkChain(
  admin: Pick<StoreAdmin, 'scan' | 'scansDrift'>,
  about: { readonly instanceId: string; readonly at: number; readonly retention?: RetentionHistory },
): AsyncGenerator<ChainItem> {
  yield { is: 'begin', ...about }
  // One snapshot for the head and its seals; entries and events may be from a later one, since neither ever changes.
  const seals = rowOf(admin.scan('chain', 'seal'))
  const bounds = rowOf(admin.scan('bound'))
  const events = rowOf(admin.scan('event'))
  try {
    await seals.next()
    await bounds.next()
    await events.next()
    let head: RecordValues['chain'] | undefined
    for (let record = seals.first(); record !== undefined; record = await seals.next()) {
      if (record.kind === 'chain') {
        // A store keeps each kind apart.
        head = record.value as RecordValues['chain']
        continue
      }
      const seal = record.value as Partial<RecordValues['seal']>
      while (isBefore(bounds.first(), record.id)) await bounds.next()
      const bound = bounds.first()
      const entries = bound?.id === record.id ? (bound.value as Partial<RecordValues['bound']>).entries : undefined
      yield { is: 'seal', seal, entries }
      if (seal.late === true) continue
      const through = String(seal.through)
      for (let event = events.first(); event !== undefined && event.id <= through; event = await events.next())
        yield { is: 'event', id: event.id, event: event.value }
    }
    for (let event = events.first(); event !== undefined; event = await events.next())
      yield { is: 'event', id: event.id, event: event.value }
    const end: ChainHead | null = head === undefined ? null : { number: head.number, hash: head.hash }
    // Without a snapshot the seals that were read may be newer than the head.
    yield { is: 'end', head: admin.scansDrift === true ? 'unknown' : end }
  } finally {
    await Promise.all([seals.end(), bounds.end(), events.end()])
  }
}

type Row = {
  readonly first: () => OwnedRecord | undefined
  readonly next: () => Promise<OwnedRecord | undefined>
  readonly end: () => Promise<unknown>
}

function rowOf(records: AsyncIterable<OwnedRecord>): Row {
  const iterator = records[Symbol.asyncIterator]()
  let first: OwnedRecord | undefined
  return {
    first: () => first,
    next: async () => {
      const next = await iterator.next()
      first = next.done === true ? undefined : next.value
      return first
    },
    end: async () => iterator.return?.(),
  }
}

const isBefore = (record: OwnedRecord | undefined, id: string): boolean => record !== undefined && record.id < id
