import type { Ref } from '../../domain/record.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import type { Clock, Seconds } from '../../protocol/time.ts'
import { printSqlAddress, type SqlAddress } from '../../config/sql-address.ts'
import type { OpenStore } from '../port.ts'
import { StoreRefused } from '../refused.ts'
import { AttemptFailed } from '../sql/attempt-failed.ts'
import { createCommitLanes } from '../sql/commit-lanes.ts'
import type { Outcome } from '../sql/judge.ts'
import { createPool } from '../sql/pool.ts'
import { createReadLanes } from '../sql/read-lanes.ts'
import { toUnit, type Unit } from '../sql/unit.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { applyBatch } from './apply-batch.ts'
import { connect, connectionLimits, type Connection, type ConnectionLimits } from './connection.ts'
import { changesSince } from './feed.ts'
import { migrate } from './migrate.ts'
import { createReader } from './reader.ts'
import { scan } from './scan.ts'
import { statementsFor } from './statements.ts'
import { sweep } from './sweep.ts'
import { failureOf, type Stage } from './verdict.ts'
import { verify } from './verify.ts'

export type PostgresOptions = {
  readonly address: SqlAddress
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  readonly eventTtl?: Seconds
  /** Make the tables where there are none. */
  readonly create?: boolean
}

/** Batches of commits, and of reads, that may be on their way at once. More would make each smaller. */
const lanes = 4

/**
 * A store on PostgreSQL, or on a server that speaks its protocol. Any number of processes may open it.
 * Throws StoreRefused for what waiting won't mend, StoreUnavailable when the server can't be reached.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<OpenStore> {
  const { address, clock, random } = options
  const eventTtl = options.eventTtl ?? lifetimes.event
  const sql = statementsFor(address.schema)
  await prepare(options)
  const pool = createPool({ connect: () => connect(address), most: address.connections, clock, random })
  const reader = createReader(sql, eventTtl)
  const commits = createCommitLanes({
    attempt: (units) => use((connection) => attempt(connection, units), 'commit'),
    lanes,
    clock,
    random,
  })
  const reads = createReadLanes({
    fetch: (refs) => use((connection) => reader.fetch(connection, refs)),
    lanes,
  })
  let closed: Promise<void> | undefined

  function attempt(connection: Connection, units: readonly Unit[]): Promise<readonly Outcome[]> {
    return applyBatch(connection, sql, units)
  }

  /** Runs `work` on a connection, with every failure as an AttemptFailed. */
  async function use<T>(work: (connection: Connection) => Promise<T>, stage: Stage = 'before'): Promise<T> {
    return pool.use(async (connection) => {
      try {
        return await work(connection)
      } catch (error) {
        const failure = failureOf(error, stage)
        // Whoever was the primary isn't any more: look for the one that is.
        if (failure instanceof AttemptFailed && failure.serverChanged) {
          await connection.close()
          pool.dropIdle()
        }
        throw failure
      }
    })
  }

  /** For what isn't a commit: nothing happened, whatever went wrong. */
  async function looking<T>(look: () => Promise<T>): Promise<T> {
    if (closed !== undefined) throw new StoreUnavailable('the store is closed', 'none')
    try {
      return await look()
    } catch (error) {
      throw new StoreUnavailable(`the store can't be read: ${wordsOf(error)}`, 'none', { cause: error })
    }
  }

  /** Whatever takes long has a connection of its own, so that requests keep theirs. */
  async function* apart<T>(work: (connection: Connection) => AsyncIterable<T>): AsyncGenerator<T> {
    const connection = await looking(() => connect(address, patientLimits))
    try {
      yield* work(connection)
    } catch (error) {
      const failure = failureOf(error, 'before')
      throw new StoreUnavailable(`the store can't be read: ${failure.message}`, 'none', { cause: error })
    } finally {
      await connection.close()
    }
  }

  return {
    store: {
      read: (refs: readonly Ref[]) => looking(() => reads.read(refs)),
      commit: (writes) => (writes.length === 0 ? Promise.resolve('committed') : commits.commit(toUnit(writes))),
      list: (kind, owner, page) => looking(() => use((connection) => reader.list(connection, kind, owner, page))),
      sweep: (now, limit) => looking(() => sweep(use, sql, { now, limit, eventsBefore: now - eventTtl })),
    },
    admin: {
      scan: (...kinds) => apart((connection) => scan(connection, reader, kinds)),
      ping: () =>
        looking(async () => {
          const { rows } = await use((connection) => connection.query(sql.writable))
          if (rows[0]?.[0] !== false || rows[0][1] !== 'off') throw new Error('the server takes no writes')
        }),
      async verify() {
        const findings: string[] = []
        for await (const found of apart(async function* (connection) {
          yield await verify(connection, sql)
        }))
          findings.push(...found)
        return findings
      },
      changes: (cursor) => looking(() => use((connection) => changesSince(connection, sql, cursor))),
      changesAre: 'polled',
      close: () => (closed ??= close()),
    },
  }

  async function close(): Promise<void> {
    await commits.drain()
    await pool.close()
  }
}

/** A statement over everything takes its time. */
const patientLimits: ConnectionLimits = { ...connectionLimits, statementMillis: 60_000, answerMillis: 70_000 }

async function prepare({ address, create = true }: PostgresOptions): Promise<void> {
  const place = printSqlAddress('postgres', address)
  try {
    const connection = await connect(address, patientLimits)
    try {
      await migrate(connection, { schema: address.schema, place, create })
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (error instanceof StoreRefused) throw error
    throw new StoreUnavailable(`the store ${place} can't be reached: ${wordsOf(error)}`, 'none', { cause: error })
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
