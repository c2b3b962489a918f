import type { DatabaseSync } from 'node:sqlite'
import type { Seconds } from '../../protocol/time.ts'
import type { Kind, Ref, StoredRecord } from '../../domain/record.ts'
import type { Page } from '../port.ts'
import { ownersOf } from './apply-batch.ts'
import { rowSum } from './row-sum.ts'

type Row = readonly [
  id: string,
  version: string,
  json: string,
  expiresAt: number | null,
  sum: number,
  owners: string | null,
]
type EventRow = readonly [id: string, json: string, at: number, bucket: string]

/** A row that isn't what was written. */
export class DamagedRow extends Error {
  constructor(kind: Kind) {
    super(`a ${kind} isn't what was written, run gatehouse store verify`)
    this.name = 'DamagedRow'
  }
}

export type Reader = {
  readonly read: (refs: readonly Ref[]) => readonly (StoredRecord | undefined)[]
  readonly list: (of: {
    readonly kind: Kind
    readonly owner: string
    readonly after: string | undefined
    readonly limit: number
  }) => Page
  /** The next records of a kind in key order, whoever owns them. */
  readonly walk: (
    kind: Kind,
    after: string,
    limit: number,
  ) => readonly (StoredRecord & { readonly owners: readonly string[] })[]
}

const columns = 'record.id, record.version, record.value, record.expires_at, record.sum, record.owners'

/** Point lookups and pages on one connection, whose transaction is the caller's. Throws what SQLite throws, and DamagedRow. */
export function createReader(db: DatabaseSync, eventTtl: Seconds): Reader {
  const record = db.prepare(`SELECT ${columns} FROM record WHERE kind = ? AND id = ?`)
  const event = db.prepare('SELECT id, value, at, bucket FROM event WHERE id = ?')
  const records = db.prepare(
    `SELECT ${columns} FROM link CROSS JOIN record ON record.kind = link.kind AND record.id = link.id
      WHERE link.kind = ? AND link.owner = ? AND link.id > ? ORDER BY link.id LIMIT ?`,
  )
  const events = db.prepare('SELECT id, value, at, bucket FROM event WHERE bucket = ? AND id > ? ORDER BY id LIMIT ?')
  const allRecords = db.prepare(`SELECT ${columns} FROM record WHERE kind = ? AND id > ? ORDER BY id LIMIT ?`)
  const allEvents = db.prepare('SELECT id, value, at, bucket FROM event WHERE id > ? ORDER BY id LIMIT ?')

  return {
    read: (refs) => refs.map(find),
    list({ kind, owner, after = '', limit }) {
      // One more than asked tells whether there is a next page.
      const found =
        kind === 'event'
          ? eventRows(events.all(owner, after, limit + 1)).map((row) => eventOf(row, eventTtl))
          : recordRows(records.all(kind, owner, after, limit + 1)).map((row) => recordOf(kind, row))
      const page = found.slice(0, limit)
      return { records: page, next: found.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
    walk(kind, after, limit) {
      return kind === 'event'
        ? eventRows(allEvents.all(after, limit)).map((row) => ({ ...eventOf(row, eventTtl), owners: [row[3]] }))
        : recordRows(allRecords.all(kind, after, limit)).map((row) => ({
            ...recordOf(kind, row),
            owners: ownersOf(row[5]),
          }))
    },
  }

  function find({ kind, id }: Ref): StoredRecord | undefined {
    if (kind === 'event') {
      const row = event.get(id)
      return row === undefined ? undefined : eventOf(row as unknown as EventRow, eventTtl)
    }
    const row = record.get(kind, id)
    return row === undefined ? undefined : recordOf(kind, row as unknown as Row)
  }
}

/** The connection returns rows as arrays; the types of node:sqlite know only objects. */
function recordRows(rows: unknown): readonly Row[] {
  return rows as readonly Row[]
}

function eventRows(rows: unknown): readonly EventRow[] {
  return rows as readonly EventRow[]
}

function recordOf(kind: Kind, [id, version, json, expiresAt, sum]: Row): StoredRecord {
  if (rowSum(id, expiresAt, json) !== sum) throw new DamagedRow(kind)
  const value = JSON.parse(json) as StoredRecord['value']
  return expiresAt === null ? { kind, id, version, value } : { kind, id, version, value, expiresAt }
}

function eventOf([id, json, at]: EventRow, ttl: Seconds): StoredRecord {
  const value = JSON.parse(json) as StoredRecord<'event'>['value']
  return { kind: 'event', id, version: id, value, expiresAt: at + ttl }
}
