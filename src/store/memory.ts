import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { bucketOf } from '../domain/bucket.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import type { Kind, Ref, StoredRecord, Version } from '../domain/record.ts'
import type { Changes, OpenStore, Page, StampedWrite } from './port.ts'
import { StoreUnavailable } from './unavailable.ts'

/** Values are kept as JSON text, so nobody can change a record but by a commit. */
type Row = {
  readonly kind: Kind
  readonly id: string
  readonly version: Version
  readonly json: string
  readonly owners: readonly string[]
  readonly expiresAt: EpochSeconds | null
}

type Shelf = { readonly rows: Map<string, Row>; readonly byOwner: Map<string, Set<string>> }

const sliceSeconds = 60

/** A store that lives and dies with the process: for tests, for trying Gatehouse out, and as the plainest reading of the port. */
export function openMemoryStore(options: { readonly eventTtl?: Seconds } = {}): OpenStore {
  const eventTtl = options.eventTtl ?? lifetimes.event
  const shelves = new Map<Kind, Shelf>()
  /** Rows by the minute in which they expire, so that a sweep never looks at the living. */
  const expiring = new Map<number, Set<Row>>()
  const feed: { readonly seq: number; readonly forget: Ref; readonly expiresAt: EpochSeconds }[] = []
  let newest = 0
  let closed = false

  function shelf(kind: Kind): Shelf {
    const found = shelves.get(kind)
    if (found !== undefined) return found
    const made: Shelf = { rows: new Map(), byOwner: new Map() }
    shelves.set(kind, made)
    return made
  }

  function insert(row: Row): void {
    const { rows, byOwner } = shelf(row.kind)
    rows.set(row.id, row)
    for (const owner of row.owners) {
      const ids = byOwner.get(owner)
      if (ids === undefined) byOwner.set(owner, new Set([row.id]))
      else ids.add(row.id)
    }
    if (row.expiresAt === null) return
    const slice = Math.floor(row.expiresAt / sliceSeconds)
    const rowsThen = expiring.get(slice)
    if (rowsThen === undefined) expiring.set(slice, new Set([row]))
    else rowsThen.add(row)
  }

  function erase(row: Row): void {
    const { rows, byOwner } = shelf(row.kind)
    rows.delete(row.id)
    for (const owner of row.owners) {
      const ids = byOwner.get(owner)
      ids?.delete(row.id)
      if (ids?.size === 0) byOwner.delete(owner)
    }
    if (row.expiresAt !== null) unfile(row, Math.floor(row.expiresAt / sliceSeconds))
  }

  function unfile(row: Row, slice: number): void {
    const rowsThen = expiring.get(slice)
    rowsThen?.delete(row)
    if (rowsThen?.size === 0) expiring.delete(slice)
  }

  function holds(write: StampedWrite): boolean {
    if (write.op === 'append') return !shelf('event').rows.has(write.id)
    return (shelf(write.kind).rows.get(write.id)?.version ?? null) === write.expect
  }

  function apply(write: StampedWrite): void {
    if (write.op === 'check') return
    if (write.op === 'append') {
      const { id, event } = write
      const row = { kind: 'event', id, version: id, json: JSON.stringify(event), owners: [bucketOf(id)] } as const
      insert({ ...row, expiresAt: event.at + eventTtl })
      return
    }
    const old = shelf(write.kind).rows.get(write.id)
    if (old !== undefined) erase(old)
    if (write.op === 'delete') return
    const { kind, id, version, value, expiresAt } = write
    const owners = [...new Set(write.owners ?? old?.owners)]
    insert({ kind, id, version, json: JSON.stringify(value), owners, expiresAt })
    if ('forget' in value) {
      newest += 1
      feed.push({ seq: newest, forget: value.forget, expiresAt: expiresAt ?? Infinity })
    }
  }

  function refuseIfClosed(): void {
    if (closed) throw new StoreUnavailable('the store is closed', 'none')
  }

  return {
    store: {
      async read(refs) {
        refuseIfClosed()
        return refs.map(({ kind, id }) => {
          const row = shelf(kind).rows.get(id)
          return row === undefined ? undefined : recordOf(row)
        })
      },
      async commit(writes) {
        refuseIfClosed()
        if (!writes.every(holds)) return 'conflict'
        for (const write of writes) apply(write)
        return 'committed'
      },
      async list(kind, owner, { after, limit }) {
        refuseIfClosed()
        const { rows, byOwner } = shelf(kind)
        return pageOf(rows, sorted(byOwner.get(owner) ?? []), { after, limit })
      },
      async sweep(now, limit, eventsBefore = now - eventTtl) {
        refuseIfClosed()
        while (feed[0] !== undefined && feed[0].expiresAt < now) feed.shift()
        let swept = 0
        for (const [slice, rows] of expiring) {
          if (slice * sliceSeconds >= Math.max(now, eventsBefore + eventTtl)) continue
          for (const row of rows) {
            if (swept === limit) return swept
            if (row.expiresAt === null || row.expiresAt >= (row.kind === 'event' ? eventsBefore + eventTtl : now))
              continue
            erase(row)
            swept += 1
          }
        }
        return swept
      },
    },
    admin: {
      async *scan(...kinds) {
        refuseIfClosed()
        const snapshot = kinds.flatMap((kind) =>
          [...shelf(kind).rows.values()].toSorted((a, b) => compareBytes(a.id, b.id)),
        )
        for (const row of snapshot) yield { ...recordOf(row), owners: row.owners }
      },
      async ping() {
        refuseIfClosed()
      },
      async verify() {
        return []
      },
      changes(cursor) {
        refuseIfClosed()
        return changesSince(feed, newest, cursor)
      },
      changesAre: 'exact',
      async close() {
        closed = true
      },
    },
  }
}

function recordOf(row: Row): StoredRecord {
  const { kind, id, version, expiresAt } = row
  const value = JSON.parse(row.json) as StoredRecord['value']
  return expiresAt === null ? { kind, id, version, value } : { kind, id, version, value, expiresAt }
}

function pageOf(
  rows: Map<string, Row>,
  ids: readonly string[],
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Page {
  const start = after === undefined ? 0 : ids.findIndex((id) => compareBytes(id, after) > 0)
  if (start < 0) return { records: [], next: null }
  const chosen = ids.slice(start, start + limit)
  const records = chosen.flatMap((id) => {
    const row = rows.get(id)
    return row === undefined ? [] : [recordOf(row)]
  })
  return { records, next: start + limit < ids.length ? (chosen.at(-1) ?? null) : null }
}

function changesSince(
  feed: readonly { readonly seq: number; readonly forget: Ref }[],
  newest: number,
  cursor: string | undefined,
): Changes {
  const since = cursor === undefined ? newest : Number(cursor)
  if (since === newest) return { cursor: String(newest), forget: [] }
  const oldest = feed[0]?.seq ?? newest + 1
  if (since < oldest - 1 || since > newest) return { cursor: String(newest), forget: 'lost' }
  return { cursor: String(newest), forget: feed.filter(({ seq }) => seq > since).map(({ forget }) => forget) }
}

function sorted(ids: Iterable<string>): readonly string[] {
  return [...ids].toSorted(compareBytes)
}

/** By UTF-8 bytes, as every database sorts; JavaScript's own order differs above U+FFFF. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
