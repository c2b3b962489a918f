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
import { statementsFor } from './statements.ts'
import { sweepRecords } from './sweep-records.ts'
import { failureOf } from './verdict.ts'

export type PostgresOptions = {
  readonly address: SqlAddress
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  readonly eventTtl?: Seconds
  /** Make the tables where there are none. */
  readonly create?: boolean
}

/** A statement over everything takes its time. */
const patient: ConnectionLimits = { ...connectionLimits, statementMillis: 60_000, answerMillis: 70_000 }

/** A store on PostgreSQL, or on a server that speaks its protocol. Throws as `openSqlStore` does. */
export function openPostgresStore(options: PostgresOptions): Promise<OpenStore> {
  const { address, clock, random, eventTtl = lifetimes.event, create = true } = options
  const { schema, connections } = address
  const sql = statementsFor(schema)
  const place = printSqlAddress('postgres', address)
  const dialect: Dialect<Connection> = {
    ...createLook(sql, eventTtl),
    connect: (patience) => connect(address, patience === 'patient' ? patient : connectionLimits),
    failureOf,
    migrate: (connection, make) => migrate(connection, { schema, place, create: make }),
    applyBatch: (connection, units) => applyBatch(connection, sql, units),
    sweepRecords: (connection, now, limit) => sweepRecords(connection, sql, now, limit),
    sweepEvents: async ({ query }, bucket, before, limit) =>
      (await query(sql.sweepEvents, [bucket, before, limit])).count,
    sweepChanges: async ({ query }, now) => void (await query(sql.sweepChanges, [now])),
  }
  return openSqlStore({ dialect, place, connections, clock, random, eventTtl, create })
}
