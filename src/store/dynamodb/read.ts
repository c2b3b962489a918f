import type { Kind, Ref, StoredRecord } from '../../domain/record.ts'
import type { Page } from '../port.ts'
import type { Courier } from './courier.ts'
import { getItems } from './get-items.ts'
import {
  carriedIn,
  eventIn,
  eventPartition,
  eventRecord,
  keyOf,
  listPartition,
  spelled,
  storedIn,
  type Item,
  type StoredItem,
} from './items.ts'
import { queryItems } from './query-items.ts'
import type { TableContext } from './table-context.ts'

/** Records by reference. An event that this process has yet to deliver is read from where it travels. */
export async function read(
  context: TableContext,
  courier: Courier,
  refs: readonly Ref[],
): Promise<readonly (StoredRecord | undefined)[]> {
  const carriers = refs.flatMap(({ kind, id }) => (kind === 'event' ? (courier.carrierOf(id) ?? []) : []))
  // Carriers first: an event leaves its carrier only after it stands in its bucket, so it can't be missed in between.
  const carrying = carriers.length === 0 ? undefined : await getItems(context, carriers)
  const found = await getItems(context, refs.map(keyOf))
  return refs.map((ref) => {
    const item = found.get(spelled(keyOf(ref)))
    if (ref.kind !== 'event') return seen(storedIn(ref, item), courier)?.record
    const travelling = courier.travelling(ref.id) ?? carriedAmong(carrying, ref.id)
    return eventIn(ref.id, item, context.eventTtl) ?? (travelling && eventRecord(travelling, context.eventTtl))
  })
}

/** Whoever writes it next knows what he replaces, though another node put it there. */
function seen(stored: StoredItem | undefined, courier: Courier): StoredItem | undefined {
  if (stored !== undefined && stored.carried.length > 0)
    courier.saw(keyOf(stored.record), stored.record.version, stored.carried)
  return stored
}

function carriedAmong(carrying: ReadonlyMap<string, Item> | undefined, id: string) {
  return [...(carrying?.values() ?? [])].flatMap(carriedIn).find((carried) => carried.id === id)
}

/** A page of a list: its links in key order, then the records behind them. */
export async function list(
  context: TableContext,
  { kind, owner }: { readonly kind: Kind; readonly owner: string },
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<Page> {
  const partition = kind === 'event' ? eventPartition(owner) : listPartition(kind, owner)
  // One more than asked tells whether there is a next page.
  const items = await queryItems(context, { partition, limit: limit + 1, ...(after !== undefined && { after }) })
  const ids = items.slice(0, limit).map((item) => item['sk']?.S ?? '')
  const next = items.length > limit ? (ids.at(-1) ?? null) : null
  if (kind === 'event')
    return {
      records: items.slice(0, limit).flatMap((item, at) => eventIn(ids[at] ?? '', item, context.eventTtl) ?? []),
      next,
    }
  const refs = ids.map((id) => ({ kind, id }))
  const found = await getItems(context, refs.map(keyOf))
  return { records: refs.flatMap((ref) => storedIn(ref, found.get(spelled(keyOf(ref))))?.record ?? []), next }
}
