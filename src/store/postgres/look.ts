import { bucketOf } from '../../domain/bucket.ts'
import type { Kind, Ref, StoredRecord } from '../../domain/record.ts'
import type { Seconds } from '../../protocol/time.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { FetchedRow } from '../sql/read-lanes.ts'
import { keyOf } from '../sql/unit.ts'
import { bytes, columnsOf, kindAndId, numberOf, ownersOf, textOf } from './columns.ts'
import type { Answer, Connection } from './connection.ts'
import type { Statements } from './statements.ts'

/** Everything that reads. */
export function createLook(
  sql: Statements,
  eventTtl: Seconds,
): Pick<
  Dialect<Connection>,
  'takesWrites' | 'fetch' | 'page' | 'walk' | 'events' | 'snapshot' | 'newestChange' | 'changes' | 'raw'
> {
  const none = Promise.resolve<Pick<Answer, 'rows'>>({ rows: [] })

  return {
    async takesWrites({ query }) {
      const { rows } = await query(sql.writable)
      return rows[0]?.[0] === false && rows[0][1] === 'off'
    },

    async fetch({ query }, refs) {
      const records = refs.filter(({ kind }) => kind !== 'event')
      const events = refs.filter(({ kind }) => kind === 'event')
      const [found, foundEvents] = await Promise.all([
        records.length === 0 ? none : query(sql.read, columnsOf(records, kindAndId)),
        events.length === 0
          ? none
          : query(sql.events, columnsOf(events, [({ id }) => bucketOf(id), ({ id }) => bytes(id)])),
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
    },

    async page({ query }, { kind, owner, after, limit }) {
      const { rows } = await query(sql.list, [kind, bytes(owner), bytes(after), limit])
      return rows.map((row) => recordOf(kind, row))
    },

    async walk({ query }, { kind, after, limit }) {
      const { rows } = await query(sql.walk, [kind, bytes(after), limit])
      return rows.map((row) => ({ ...recordOf(kind, row), owners: ownersOf(row[4]) }))
    },

    async events({ query }, { bucket, after, limit }) {
      const { rows } = await query(sql.listEvents, [bucket, bytes(after), limit])
      return rows.map(([idBytes, value, at]) => {
        const id = textOf(idBytes)
        const event = JSON.parse(String(value)) as StoredRecord['value']
        return { kind: 'event', id, version: id, value: event, expiresAt: Number(at) + eventTtl }
      })
    },

    async snapshot({ query }) {
      await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      // Whoever reads everything may take his time between two pages.
      await query('SET LOCAL idle_in_transaction_session_timeout = 0')
    },

    async newestChange({ query }) {
      const { rows } = await query(sql.newest)
      return { newest: numberOf(rows[0]?.[0]) ?? 0, oldest: numberOf(rows[0]?.[1]) }
    },

    async changes({ query }, after, upTo) {
      const { rows } = await query(sql.changes, [after, upTo])
      return rows.map(([kind, id]): Ref => ({ kind: kind as Kind, id: textOf(id) }))
    },

    raw: {
      async records({ query }, { kind, id }, limit) {
        const { rows } = await query(sql.rawRecords, [kind, bytes(id), limit])
        return rows.map((row) => ({
          kind: textOf(row[0]),
          id: textOf(row[1]),
          value: textOf(row[2]),
          owners: textOf(row[3]),
        }))
      },
      async events({ query }, { bucket, after, limit }) {
        const { rows } = await query(sql.listEvents, [bucket, bytes(after), limit])
        return rows.map((row) => ({ id: textOf(row[0]), value: textOf(row[1]) }))
      },
      async links({ query }, { kind, owner, id }, limit) {
        const { rows } = await query(sql.rawLinks, [kind, bytes(owner), bytes(id), limit])
        return rows.map((row) => ({
          kind: textOf(row[0]),
          owner: textOf(row[1]),
          id: textOf(row[2]),
          owners: row[3] === null ? null : textOf(row[3]),
        }))
      },
      async unlinked({ query }, links) {
        const columns = columnsOf(links, [({ kind }) => kind, ({ owner }) => bytes(owner), ({ id }) => bytes(id)])
        const { rows } = await query(sql.unlinked, columns)
        return rows.map((row) => ({ kind: textOf(row[0]), owner: textOf(row[1]), id: textOf(row[2]) }))
      },
      async feedIsSound({ query }) {
        const { rows } = await query(sql.feedIsSound)
        return rows.length === 1 && rows[0]?.[0] === true
      },
    },
  }
}

function recordOf(kind: Kind, [id, version, json, end]: readonly unknown[]): StoredRecord {
  const expiresAt = numberOf(end)
  const value = JSON.parse(String(json)) as StoredRecord['value']
  const record = { kind, id: textOf(id), version: textOf(version), value }
  return expiresAt === null ? record : { ...record, expiresAt }
}
