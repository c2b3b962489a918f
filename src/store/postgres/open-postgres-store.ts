import { printSqlAddress, type SqlAddress } from '../../config/sql-address.ts'
import { buckets } from '../../domain/bucket.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import type { Clock, Seconds } from '../../protocol/time.ts'
import type { OpenStore } from '../port.ts'
import type { Dialect } from '../sql/dialect.ts'
import { openSqlStore } from '../sql/open-sql-store.ts'
import { applyBatch } from './apply-batch.ts'
import { connect, connectionLimits, type Connection, type ConnectionLimits, type Inspect } from './connection.ts'
import { guardOrigin } from './guard-origin.ts'
import { createLook } from './look.ts'
import { migrate } from './migrate.ts'
import { statementsFor } from './statements.ts'
import { sweepEvents } from './sweep-events.ts'
import { sweepRecords } from './sweep-records.ts'
import { createSwept } from './swept.ts'
import { failureOf } from './verdict.ts'

export type PostgresOptions = {
  readonly address: SqlAddress
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  readonly eventTtl?: Seconds
  /** Make the tables where there are none. */
  readonly create?: boolean
  /** The database has another history than the one that the store was served on: fence it. Without this it is refused. */
  readonly onMoved?: (bare: OpenStore) => Promise<void>
  readonly onNewOrigin?: () => void
}

/** A statement over everything takes its time. */
const patient: ConnectionLimits = { ...connectionLimits, statementMillis: 60_000, answerMillis: 70_000 }

/** A store on PostgreSQL, or on a server that speaks its protocol. Throws as `openSqlStore` does. */
export function openPostgresStore(options: PostgresOptions): Promise<OpenStore> {
  const { address, clock, random, eventTtl = lifetimes.event, create = true } = options
  const { schema, connections } = address
  const sql = statementsFor(schema)
  const place = printSqlAddress('postgres', address)
  const sweptRecords = createSwept()
  const sweptEvents = new Map(buckets.map((bucket) => [bucket, createSwept()]))
  const plain: Dialect<Connection> = {
    ...createLook(sql, eventTtl),
    connect: (patience) => reach(patience),
    failureOf,
    migrate: (connection, make) => migrate(connection, { schema, place, create: make }),
    applyBatch: (connection, units) => applyBatch(connection, sql, units),
    sweepRecords: (connection, now, limit) => sweepRecords(connection, sql, { now, limit, swept: sweptRecords }),
    sweepEvents: (connection, which) =>
      sweepEvents(connection, sql, { ...which, swept: sweptEvents.get(which.bucket) ?? createSwept() }),
    sweepChanges: async ({ query }, now) => void (await query(sql.sweepChanges, [now])),
  }
  const rest = { place, connections, clock, random, eventTtl, create }
  const guarded = guardOrigin({
    connect: reach,
    migrate: plain.migrate,
    schema,
    place,
    losesNothing: address.standby === 'synchronous',
    openBare: () => openSqlStore({ dialect: plain, ...rest }),
    onMoved: options.onMoved,
    onNewOrigin: options.onNewOrigin,
  })
  return openSqlStore({ dialect: { ...plain, ...guarded }, ...rest })

  function reach(patience: 'request' | 'patient', inspect?: Inspect): Promise<Connection> {
    return connect(address, patience === 'patient' ? patient : connectionLimits, inspect)
  }
}
