import type { KeyRecord, Ring } from '../domain/key.ts'
import { keyRef, keySequence, rings } from '../domain/key-lifecycle.ts'
import type { Ref, StoredRecord } from '../domain/record.ts'
import type { Store } from '../store/port.ts'

export type StoredKey = { readonly recordId: string; readonly record: KeyRecord }

const pageSize = 100

/**
 * Every key of every ring, in order. Lists may lag behind in some stores, so they only say where to look;
 * what counts is read by reference, until a number is free.
 */
export async function loadKeyRecords(store: Store): Promise<readonly StoredKey[]> {
  const perRing = await Promise.all(
    rings.map(async (ring) => {
      const sequences = await listedSequences(store, ring)
      const first = sequences[0] ?? 1
      return { ring, first, last: sequences.at(-1) ?? 0 }
    }),
  )
  let wanted = perRing.flatMap(({ ring, first, last }) => refsBetween(ring, first, last + 1))
  const found: StoredKey[] = []
  while (wanted.length > 0) {
    const stored = await store.read(wanted)
    const beyond: Ref<'key'>[] = []
    for (const [index, record] of stored.entries()) {
      if (record?.kind !== 'key') continue
      const value = (record as StoredRecord<'key'>).value
      found.push({ recordId: record.id, record: value })
      const isLastOfRing = wanted[index + 1]?.id !== nextRef(value.ring, record.id).id
      if (isLastOfRing) beyond.push(nextRef(value.ring, record.id))
    }
    wanted = beyond
  }
  return found
}

/** Whether anything in this store is sealed already. */
export async function hasKeyRecords(store: Store): Promise<boolean> {
  return (await loadKeyRecords(store)).length > 0
}

/** The place after the newest key of a ring. */
export function nextKeyRef(ring: Ring, known: readonly StoredKey[]): Ref<'key'> {
  const sequences = known.filter(({ record }) => record.ring === ring).map(({ recordId }) => keySequence(recordId))
  return keyRef(ring, Math.max(0, ...sequences) + 1)
}

async function listedSequences(store: Store, ring: Ring): Promise<readonly number[]> {
  const sequences: number[] = []
  let after: string | undefined
  for (;;) {
    const page = await store.list('key', ring, { limit: pageSize, ...(after !== undefined && { after }) })
    sequences.push(...page.records.map(({ id }) => keySequence(id)))
    if (page.next === null) return sequences
    after = page.next
  }
}

function refsBetween(ring: Ring, first: number, last: number): readonly Ref<'key'>[] {
  return Array.from({ length: last - first + 1 }, (_, index) => keyRef(ring, first + index))
}

function nextRef(ring: Ring, recordId: string): Ref<'key'> {
  return keyRef(ring, keySequence(recordId) + 1)
}
