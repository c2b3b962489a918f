import { bucketOf } from '../../domain/bucket.ts'
import type { Kind, Ref, StoredRecord } from '../../domain/record.ts'
import type { Seconds } from '../../protocol/time.ts'
import type { Page } from '../port.ts'
import type { FetchedRow } from '../sql/read-lanes.ts'
import { keyOf } from '../sql/unit.ts'
import { bytes, columnsOf, kindAndId, numberOf, ownersOf, textOf } from './columns.ts'
import type { Answer, Connection } from './connection.ts'
import type { Statements } from './statements.ts'

export type Owned = StoredRecord & { readonly owners: readonly string[] }

export type Reader = {
  /** The records that exist, by key, in one round trip. */
  readonly fetch: (connection: Connection, refs: readonly Ref[]) => Promise<ReadonlyMap<string, FetchedRow>>
  readonly list: (
    connection: Connection,
    kind: Kind,
    owner: string,
    page: { readonly after?: string; readonly limit: number },
  ) => Promise<Page>
  /** The next records of a kind in key order, whoever owns them. Not for events. */
  readonly walk: (connection: Connection, kind: Kind, after: string, limit: number) => Promise<readonly Owned[]>
  /** The next events of a bucket in key order. */
  readonly walkEvents: (
    connection: Connection,
    bucket: string,
    after: string,
    limit: number,
  ) => Promise<readonly Owned[]>
}

/** Point lookups and pages. Throws what the driver throws. */
export function createReader(sql: Statements, eventTtl: Seconds): Reader {
  async function fetch(connection: Connection, refs: readonly Ref[]): Promise<ReadonlyMap<string, FetchedRow>> {
    const records = refs.filter(({ kind }) => kind !== 'event')
    const appended = refs.filter(({ kind }) => kind === 'event')
    const none = Promise.resolve<Pick<Answer, 'rows'>>({ rows: [] })
    const [found, foundEvents] = await Promise.all([
      records.length === 0 ? none : connection.query(sql.read, columnsOf(records, kindAndId)),
      appended.length === 0
        ? none
        : connection.query(sql.events, columnsOf(appended, [({ id }) => bucketOf(id), ({ id }) => bytes(id)])),
    ])
    const rows = new Map<string, FetchedRow>()
    for (const [kind, id, version, value, expiresAt] of found.rows) {
      const row = { version: textOf(version), json: String(value), expiresAt: numberOf(expiresAt) }
      rows.set(keyOf(kind as Kind, textOf(id)), row)
    }
    for (const [idBytes, value, at] of foundEvents.rows) {
      const id = textOf(idBytes)
      rows.set(keyOf('event', id), { version: id, json: String(value), expiresAt: Number(at) + eventTtl })
    }
    return rows
  }

  async function events(
    connection: Connection,
    bucket: string,
    after: string,
    limit: number,
  ): Promise<readonly StoredRecord[]> {
    const { rows } = await connection.query(sql.listEvents, [bucket, bytes(after), limit])
    return rows.map(([idBytes, value, at]) => {
      const id = textOf(idBytes)
      const event = JSON.parse(String(value)) as StoredRecord['value']
      return { kind: 'event', id, version: id, value: event, expiresAt: Number(at) + eventTtl }
    })
  }

  return {
    fetch,
    async list(connection, kind, owner, { after = '', limit }) {
      // One more than asked tells whether there is a next page.
      const found =
        kind === 'event'
          ? await events(connection, owner, after, limit + 1)
          : (await connection.query(sql.list, [kind, bytes(owner), bytes(after), limit + 1])).rows.map((row) =>
              recordOf(kind, row),
            )
      const records = found.slice(0, limit)
      return { records, next: found.length > limit ? (records.at(-1)?.id ?? null) : null }
    },
    async walk(connection, kind, after, limit) {
      const { rows } = await connection.query(sql.walk, [kind, bytes(after), limit])
      return rows.map((row) => ({ ...recordOf(kind, row), owners: ownersOf(row[4]) }))
    },
    walkEvents: async (connection, bucket, after, limit) =>
      (await events(connection, bucket, after, limit)).map((record) => ({ ...record, owners: [bucket] })),
  }
}

function recordOf(kind: Kind, [id, version, json, end]: readonly unknown[]): StoredRecord {
  const expiresAt = numberOf(end)
  const value = JSON.parse(String(json)) as StoredRecord['value']
  const record = { kind, id: textOf(id), version: textOf(version), value }
  return expiresAt === null ? record : { ...record, expiresAt }
}
