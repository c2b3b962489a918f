import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Clock, Seconds } from '../../protocol/time.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import type { Kind, StoredRecord } from '../../domain/record.ts'
import type { OpenStore } from '../port.ts'
import { fractionOf } from '../jitter.ts'
import { StoreRefused } from '../refused.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { encodeUnit } from './batch.ts'
import { createCommitQueue } from './commit-queue.ts'
import { openConnection } from './connection.ts'
import { createFeed } from './feed.ts'
import { prepareFile } from './file.ts'
import { sqliteLimits, type SqliteLimits } from './limits.ts'
import { createReader } from './reader.ts'
import { migrate } from './schema.ts'
import { sweepBySteps } from './sweep-by-steps.ts'
import { createSnapshot } from './snapshot.ts'
import { verdictOf } from './verdict.ts'
import { startWriter } from './writer.ts'

export type SqliteOptions = {
  readonly path: string
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  /** The disk can't be trusted any more (a failed fsync, a damaged page): the process must end with a failure and be started anew. */
  readonly onFatal: (reason: Error) => void
  /** Something read was damaged; that one answer was refused. */
  readonly onDamage?: (reason: Error) => void
  readonly eventTtl?: Seconds
  /** Off only for short commands beside a server that has already looked. */
  readonly quickCheck?: boolean
  readonly limits?: Partial<SqliteLimits>
}

const readRetryMillis = 1_000
const scanPage = 200

/**
 * The embedded store: one file, one writer thread, reads on the calling thread. Creates the file if there is none.
 * Throws StoreRefused for a file that is foreign, damaged or from a newer program; StoreUnavailable when it stays locked.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<OpenStore> {
  const { path, clock, random } = options
  const limits = { ...sqliteLimits, ...options.limits }
  const eventTtl = options.eventTtl ?? lifetimes.event
  prepareFile(path)
  await patiently(limits.busyMillis, () => setUp(path)).catch((error: unknown) => {
    throw verdictOf(error, 'unit') === 'corrupt' ? damagedFile(path, error) : error
  })

  const queue = createCommitQueue({ send: (order) => writer.send(order), clock, random, limits })
  const writer = await startWriter(
    {
      path,
      quickCheck: options.quickCheck ?? true,
      walBytes: limits.walBytes,
      pages: limits.pages,
      seed: Math.floor(fractionOf(random.stamp()) * 2 ** 32),
    },
    {
      reply(reply) {
        if (reply.is === 'fatal') return die(reply.why)
        // Before anybody learns that his commit went through, so that he finds it there.
        snapshot.drop()
        queue.receive(reply)
      },
      gone: die,
    },
  ).catch((error: unknown) => {
    throw damagedFile(path, error)
  })
  const db = openConnection(path, { readOnly: true })
  const reader = createReader(db, eventTtl)
  const snapshot = createSnapshot(db, clock)
  const feed = createFeed(db, snapshot)
  let closed: Promise<void> | undefined

  function die(why: string): void {
    queue.fail(new StoreUnavailable(`the store takes no writes: its writer died (${why})`, 'none'))
    options.onFatal(new Error(`the store ${path} can't be written any more: ${why}`))
  }

  /** Runs at once; only while another process keeps even readers out (it recovers the file) tries again for a second. */
  async function reading<T>(read: () => T): Promise<T> {
    if (closed !== undefined) throw new StoreUnavailable('the store is closed', 'none')
    try {
      return await patiently(readRetryMillis, () => {
        snapshot.take()
        return read()
      })
    } catch (error) {
      if (error instanceof StoreUnavailable) throw reported(error)
      const unavailable = new StoreUnavailable(`the store can't be read: ${wordsOf(error)}`, 'none', { cause: error })
      throw verdictOf(error, 'unit') === 'corrupt' ? reported(unavailable) : unavailable
    }
  }

  function reported(error: StoreUnavailable): StoreUnavailable {
    options.onDamage?.(error)
    return error
  }

  async function* scan(kind: Kind): AsyncGenerator<StoredRecord & { readonly owners: readonly string[] }> {
    if (closed !== undefined) throw new StoreUnavailable('the store is closed', 'none')
    const still = openConnection(path, { readOnly: true })
    try {
      const { walk } = createReader(still, eventTtl)
      still.exec('BEGIN')
      for (let after = ''; ;) {
        const page = walk(kind, after, scanPage)
        yield* page
        const last = page.at(-1)
        if (last === undefined || page.length < scanPage) return
        after = last.id
        await pause(0)
      }
    } finally {
      still.close()
    }
  }

  return {
    store: {
      read: (refs) => reading(() => reader.read(refs)),
      commit: (writes) => (writes.length === 0 ? Promise.resolve('committed') : queue.commit(encodeUnit(writes))),
      list: (kind, owner, { after, limit }) => reading(() => reader.list(kind, owner, after, limit)),
      sweep: (now, limit) => sweepBySteps({ queue, clock, now, limit, eventsBefore: now - eventTtl }),
    },
    admin: {
      scan,
      async ping() {
        await reading(() => reader.read([{ kind: 'instance', id: 'self' }]))
        const refusal = queue.refusal()
        if (refusal !== undefined) throw refusal
      },
      verify: () => verify(path),
      changes(cursor) {
        try {
          return feed.since(cursor)
        } catch (error) {
          if (closed === undefined && verdictOf(error, 'unit') !== 'busy') throw error
          return reading(() => feed.since(cursor))
        }
      },
      changesAre: 'exact',
      close: () => (closed ??= close()),
    },
  }

  async function close(): Promise<void> {
    await queue.drain()
    snapshot.drop()
    db.close()
    await writer.close()
  }
}

function setUp(path: string): void {
  const db = openConnection(path, { readOnly: false })
  try {
    migrate(db, path)
    db.exec('PRAGMA journal_mode = WAL')
  } finally {
    db.close()
  }
}

/** Work that finds the file locked is tried again, without holding up the event loop, until the time is over. */
async function patiently<T>(millis: number, work: () => T): Promise<T> {
  for (let waited = 0, nap = 1; ; waited += nap, nap = Math.min(2 * nap, 50)) {
    try {
      return work()
    } catch (error) {
      if (verdictOf(error, 'unit') !== 'busy') throw error
      if (waited >= millis)
        throw new StoreUnavailable('the store is locked by another process', 'none', { cause: error })
      await pause(nap)
    }
  }
}

function verify(path: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./verify-thread.ts', import.meta.url), { workerData: { path }, execArgv: [] })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

function damagedFile(path: string, cause: unknown): StoreRefused {
  return new StoreRefused(`the store ${path} is damaged (${wordsOf(cause)}): restore the newest backup`, { cause })
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
