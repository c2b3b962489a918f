import { printSqlAddress, type SqlAddress } from '../../config/sql-address.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import type { Clock, Seconds } from '../../protocol/time.ts'
import type { OpenStore } from '../port.ts'
import type { Dialect } from '../sql/dialect.ts'
import { openSqlStore } from '../sql/open-sql-store.ts'
import { applyBatch } from './apply-batch.ts'
import { connect, connectionLimits, type Connection, type ConnectionLimits } from './connection.ts'
import { createLook } from './look.ts'
import { migrate } from './migrate.ts'
import { sql } from './sql-text.ts'
import { sweepRecords } from './sweep-records.ts'
import { failureOf } from './verdict.ts'

export type MysqlOptions = {
  readonly address: SqlAddress
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  readonly eventTtl?: Seconds
  /** Make the tables where there are none. */
  readonly create?: boolean
}

/** A statement over everything takes its time, and so does whoever reads it. */
const patient: ConnectionLimits = {
  ...connectionLimits,
  statementSeconds: 60,
  lockSeconds: 50,
  idleSeconds: 3_600,
  answerMillis: 70_000,
}

/** A store on MySQL or MariaDB. Throws as `openSqlStore` does. */
export function openMysqlStore(options: MysqlOptions): Promise<OpenStore> {
  const { address, clock, random, eventTtl = lifetimes.event, create = true } = options
  const place = printSqlAddress('mysql', address)
  const dialect: Dialect<Connection> = {
    ...createLook(eventTtl),
    connect: (patience) => connect(address, patience === 'patient' ? patient : connectionLimits),
    failureOf,
    migrate: (connection, make) => migrate(connection, { database: address.database, place, create: make }),
    applyBatch,
    sweepRecords,
    sweepEvents: async ({ one }, { bucket, before, limit }) => {
      const { count } = await one(
        sql`DELETE FROM gatehouse_event WHERE bucket = ${bucket} AND at < ${before} ORDER BY at LIMIT ${limit}`,
      )
      return count
    },
    sweepChanges: async ({ one }, now) => {
      const { rows } = await one(
        sql`SELECT coalesce((SELECT min(seq) FROM gatehouse_change WHERE expires_at >= ${now}), newest + 1) FROM gatehouse_feed`,
      )
      await one(sql`DELETE FROM gatehouse_change WHERE seq < ${Number(rows[0]?.[0] ?? 0)}`)
    },
  }
  return openSqlStore({
    dialect,
    place,
    connections: address.connections,
    clock,
    random,
    eventTtl,
    create,
  })
}
