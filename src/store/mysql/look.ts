import { bucketOf } from '../../domain/bucket.ts'
import type { Kind, Ref, StoredRecord } from '../../domain/record.ts'
import type { Seconds } from '../../protocol/time.ts'
import type { Dialect, From } from '../sql/dialect.ts'
import type { FetchedRow } from '../sql/read-lanes.ts'
import { keyOf } from '../sql/unit.ts'
import type { Connection } from './connection.ts'
import { sql, type Sql } from './sql-text.ts'

/** Everything that reads. */
export function createLook(
  eventTtl: Seconds,
): Pick<
  Dialect<Connection>,
  'takesWrites' | 'fetch' | 'page' | 'walk' | 'events' | 'snapshot' | 'newestChange' | 'changes' | 'raw'
> {
  return {
    async takesWrites({ one }) {
      const { rows } = await one(sql`SELECT @@global.read_only`)
      return Number(rows[0]?.[0]) === 0
    },

    async fetch({ all }, refs) {
      const records = refs.filter(({ kind }) => kind !== 'event')
      const events = refs.filter(({ kind }) => kind === 'event')
      const statements: Sql[] = []
      if (records.length > 0) {
        const places = records.map(({ kind, id }) => sql`(${kind}, ${id})`)
        statements.push(
          sql`SELECT kind, id, version, value, expires_at FROM gatehouse_record WHERE (kind, id) IN (${places})`,
        )
      }
      if (events.length > 0) {
        const places = events.map(({ id }) => sql`(${bucketOf(id)}, ${id})`)
        statements.push(sql`SELECT 'event', id, id, value, at FROM gatehouse_event WHERE (bucket, id) IN (${places})`)
      }
      const rows = new Map<string, FetchedRow>()
      for (const answer of await all(statements)) {
        for (const [kindBytes, idBytes, version, value, end] of answer.rows) {
          const kind = String(kindBytes) as Kind
          const id = String(idBytes)
          const expiresAt = end === null ? null : Number(end) + (kind === 'event' ? eventTtl : 0)
          rows.set(keyOf(kind, id), { version: String(version), json: String(value), expiresAt })
        }
      }
      return rows
    },

    async page({ one }, { kind, owner, after, limit }) {
      const { rows } = await one(
        sql`SELECT r.id, r.version, r.value, r.expires_at FROM gatehouse_link AS l
            JOIN gatehouse_record AS r ON r.kind = l.kind AND r.id = l.id
            WHERE l.kind = ${kind} AND l.owner = ${owner} AND l.id > ${after} ORDER BY l.id LIMIT ${limit}`,
      )
      return rows.map((row) => recordOf(kind, row))
    },

    async walk({ one }, { kind, after, limit }) {
      const { rows } = await one(
        sql`SELECT id, version, value, expires_at, owners FROM gatehouse_record
            WHERE kind = ${kind} AND id > ${after} ORDER BY id LIMIT ${limit}`,
      )
      return rows.map((row) => ({ ...recordOf(kind, row), owners: JSON.parse(String(row[4])) as string[] }))
    },

    async events(connection, from) {
      const rows = await eventRows(connection, from)
      return rows.map(([idBytes, value, at]) => {
        const id = String(idBytes)
        const event = JSON.parse(String(value)) as StoredRecord['value']
        return { kind: 'event', id, version: id, value: event, expiresAt: Number(at) + eventTtl }
      })
    },

    async snapshot({ all }) {
      await all([
        sql`SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ`,
        sql`START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY`,
      ])
    },

    async newestChange({ one }) {
      const { rows } = await one(
        sql`SELECT newest, (SELECT min(seq) FROM gatehouse_change) FROM gatehouse_feed WHERE one = 1`,
      )
      const oldest = rows[0]?.[1]
      return { newest: Number(rows[0]?.[0] ?? 0), oldest: typeof oldest === 'number' ? oldest : null }
    },

    async changes({ one }, after, upTo) {
      const { rows } = await one(
        sql`SELECT kind, id FROM gatehouse_change WHERE seq > ${after} AND seq <= ${upTo} ORDER BY seq`,
      )
      return rows.map(([kind, id]): Ref => ({ kind: String(kind) as Kind, id: String(id) }))
    },

    raw: {
      async records({ one }, { kind, id }, limit) {
        const { rows } = await one(
          sql`SELECT kind, id, value, owners FROM gatehouse_record
              WHERE kind > ${kind} OR (kind = ${kind} AND id > ${id}) ORDER BY kind, id LIMIT ${limit}`,
        )
        return rows.map((row) => ({
          kind: String(row[0]),
          id: String(row[1]),
          value: String(row[2]),
          owners: String(row[3]),
        }))
      },
      async events(connection, from) {
        const rows = await eventRows(connection, from)
        return rows.map(([id, value]) => ({ id: String(id), value: String(value) }))
      },
      async links({ one }, { kind, owner, id }, limit) {
        const { rows } = await one(
          sql`SELECT l.kind, l.owner, l.id, r.owners FROM gatehouse_link AS l
              LEFT JOIN gatehouse_record AS r ON r.kind = l.kind AND r.id = l.id
              WHERE l.kind > ${kind} OR (l.kind = ${kind} AND (l.owner > ${owner} OR (l.owner = ${owner} AND l.id > ${id})))
              ORDER BY l.kind, l.owner, l.id LIMIT ${limit}`,
        )
        return rows.map(([kindBytes, ownerBytes, idBytes, owners]) => ({
          kind: String(kindBytes),
          owner: String(ownerBytes),
          id: String(idBytes),
          owners: Buffer.isBuffer(owners) ? owners.toString('utf8') : null,
        }))
      },
      async unlinked({ one }, links) {
        if (links.length === 0) return []
        const places = links.map(({ kind, owner, id }) => sql`(${kind}, ${owner}, ${id})`)
        const { rows } = await one(
          sql`SELECT kind, owner, id FROM gatehouse_link WHERE (kind, owner, id) IN (${places})`,
        )
        const linked = new Set(rows.map((row) => JSON.stringify(row.map(String))))
        return links.filter(({ kind, owner, id }) => !linked.has(JSON.stringify([kind, owner, id])))
      },
      async feedIsSound({ one }) {
        const { rows } = await one(
          sql`SELECT newest >= coalesce((SELECT max(seq) FROM gatehouse_change), 0) FROM gatehouse_feed`,
        )
        return rows.length === 1 && Number(rows[0]?.[0]) === 1
      },
    },
  }
}

async function eventRows(
  { one }: Connection,
  { bucket, after, limit }: From & { readonly bucket: string },
): Promise<readonly (readonly unknown[])[]> {
  const { rows } = await one(
    sql`SELECT id, value, at FROM gatehouse_event WHERE bucket = ${bucket} AND id > ${after} ORDER BY id LIMIT ${limit}`,
  )
  return rows
}

function recordOf(kind: Kind, [id, version, json, end]: readonly unknown[]): StoredRecord {
  const value = JSON.parse(String(json)) as StoredRecord['value']
  const record = { kind, id: String(id), version: String(version), value }
  return end === null ? record : { ...record, expiresAt: Number(end) }
}
