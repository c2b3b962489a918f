import { LRUCache } from 'lru-cache'
import type { Kind, Ref, StoredRecord } from '../domain/record.ts'

/**
 * Records as this process last read or committed them. One may be out of date at any time, so it is good for one thing: to
 * decide on, where the commit verifies that nothing has changed. A read costs six times as much.
 */
export type Recent = {
  readonly recall: <K extends Kind>(target: Ref<K>) => StoredRecord<K> | undefined
  readonly keep: (record: StoredRecord) => void
  readonly forget: (target: Ref) => void
}

/** The kinds that one request leaves behind for the next to change. */
const handedOn: readonly Kind[] = ['interaction', 'session', 'consent', 'grant']

/**
 * Of a kind, about a kilobyte each. One request hands on to the next within a moment: what stays longer outlives the collections of
 * the young heap, and moving it costs more than the reads that it spares (8,192 of them made the code flow 7 % dearer).
 */
const mostRecords = 128

export function createRecent(remembered: readonly Kind[] = handedOn): Recent {
  // By kind and then by id: to spell one name out of both, and to hash it, would cost more than to look it up.
  const records = new Map(remembered.map((kind) => [kind, new LRUCache<string, StoredRecord>({ max: mostRecords })]))
  return {
    recall: <K extends Kind>({ kind, id }: Ref<K>) => records.get(kind)?.get(id) as StoredRecord<K> | undefined,
    keep: (record) => void records.get(record.kind)?.set(record.id, record),
    forget: ({ kind, id }) => void records.get(kind)?.delete(id),
  }
}
