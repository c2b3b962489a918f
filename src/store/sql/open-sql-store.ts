import type { Ref } from '../../domain/record.ts'
import type { Clock, EpochSeconds, Seconds } from '../../protocol/time.ts'
import type { OpenStore } from '../port.ts'
import { StoreRefused } from '../refused.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { AttemptFailed, damaged } from './attempt-failed.ts'
import { changesSince } from './changes-since.ts'
import { createCommitLanes } from './commit-lanes.ts'
import type { Dialect, Stage } from './dialect.ts'
import { createPool, type Pooled } from './pool.ts'
import { createReadLanes } from './read-lanes.ts'
import { scan } from './scan.ts'
import { sweep } from './sweep.ts'
import { toUnit } from './unit.ts'
import { verify } from './verify.ts'

/** Batches of commits, and of reads, that may be on their way at once. More would make each smaller. */
const lanes = 4

/**
 * A store on a server that speaks SQL. Any number of processes may open it.
 * Throws StoreRefused for what waiting won't mend, StoreUnavailable when the server can't be reached.
 */
export async function openSqlStore<C extends Pooled>(options: {
  readonly dialect: Dialect<C>
  /** Its name for people. */
  readonly place: string
  readonly connections: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  readonly eventTtl: Seconds
  readonly create: boolean
}): Promise<OpenStore> {
  const { dialect, clock, random, eventTtl } = options
  await prepare(options)
  const pool = createPool({ connect: () => dialect.connect('request'), most: options.connections, clock, random })
  const commits = createCommitLanes({
    attempt: (units) => use((connection) => dialect.applyBatch(connection, units), 'commit'),
    lanes,
    clock,
    random,
  })
  const reads = createReadLanes({ fetch: (refs) => use((connection) => dialect.fetch(connection, refs)), lanes })
  let closed: Promise<void> | undefined

  /** Runs `work` on a connection, with every failure as an AttemptFailed. */
  async function use<T>(work: (connection: C) => Promise<T>, stage: Stage = 'before'): Promise<T> {
    return pool.use(async (connection) => {
      try {
        return await work(connection)
      } catch (error) {
        const isDamage = stage === 'before' && error instanceof SyntaxError
        const failure = isDamage ? damaged(error) : dialect.failureOf(error, stage)
        // The next attempt is on a new connection, to whoever is the primary by then.
        if (failure instanceof AttemptFailed && failure.sessionsOver) {
          void Promise.resolve(connection.close()).catch(() => undefined)
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
      const ofOne = error instanceof AttemptFailed && error.verdict === 'alone'
      throw new StoreUnavailable(`the store can't be read: ${wordsOf(error)}`, 'none', { cause: error, ofOne })
    }
  }

  /** Whatever takes long has a connection of its own, so that requests keep theirs. */
  async function* apart<T>(work: (connection: C) => AsyncIterable<T>): AsyncGenerator<T> {
    const connection = await looking(() => dialect.connect('patient'))
    try {
      yield* work(connection)
    } catch (error) {
      const { message } = dialect.failureOf(error, 'before')
      throw new StoreUnavailable(`the store can't be read: ${message}`, 'none', { cause: error })
    } finally {
      await connection.close()
    }
  }

  return {
    store: {
      read: (refs: readonly Ref[]) => looking(() => reads.read(refs)),
      commit: (writes) => (writes.length === 0 ? Promise.resolve('committed') : commits.commit(toUnit(writes))),
      list: (kind, owner, { after = '', limit }) =>
        looking(async () => {
          // One more than asked tells whether there is a next page.
          const from = { after, limit: limit + 1 }
          const found = await use((connection) =>
            kind === 'event'
              ? dialect.events(connection, { bucket: owner, ...from })
              : dialect.page(connection, { kind, owner, ...from }),
          )
          const records = found.slice(0, limit)
          return { records, next: found.length > limit ? (records.at(-1)?.id ?? null) : null }
        }),
      sweep: (now: EpochSeconds, limit, eventsBefore = now - eventTtl) =>
        looking(() => sweep(use, dialect, { now, limit, eventsBefore })),
    },
    admin: {
      scan: (...kinds) => apart((connection) => scan(connection, dialect, kinds)),
      ping: () =>
        looking(async () => {
          if (!(await use(dialect.takesWrites))) throw new Error('the server takes no writes')
        }),
      async verify() {
        const found: string[] = []
        for await (const findings of apart(async function* (connection) {
          yield await verify(connection, dialect)
        }))
          found.push(...findings)
        return found
      },
      changes: (cursor) => looking(() => use((connection) => changesSince(connection, dialect, cursor))),
      changesAre: 'polled',
      close: () => (closed ??= close()),
    },
  }

  async function close(): Promise<void> {
    await commits.drain()
    await pool.close()
  }
}

async function prepare<C extends Pooled>(options: {
  readonly dialect: Dialect<C>
  readonly place: string
  readonly create: boolean
}): Promise<void> {
  try {
    const connection = await options.dialect.connect('patient')
    try {
      await options.dialect.migrate(connection, options.create)
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (error instanceof StoreRefused) throw error
    throw new StoreUnavailable(`the store ${options.place} can't be reached: ${wordsOf(error)}`, 'none', {
      cause: error,
    })
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
