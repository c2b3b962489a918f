import type { DatabaseSync } from 'node:sqlite'
import type { Clock, Seconds } from '../../protocol/time.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import type { OpenStore, WriterLink } from '../port.ts'
import { fractionOf } from '../jitter.ts'
import { StoreRefused } from '../refused.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { encodeUnit } from './batch.ts'
import { createCommitQueue } from './commit-queue.ts'
import { openConnection } from './connection.ts'
import { createFeed } from './feed.ts'
import { prepareFile } from './file.ts'
import { holdServing } from './hold-serving.ts'
import { sqliteLimits, type SqliteLimits } from './limits.ts'
import { lockedByAnother, patiently } from './patiently.ts'
import { prepareLog } from './prepare-log.ts'
import { createReader, DamagedRow } from './reader.ts'
import { scan } from './scan.ts'
import { migrate } from './schema.ts'
import { createSnapshot } from './snapshot.ts'
import { sweepBySteps } from './sweep-by-steps.ts'
import { errorCodeOf, verdictOf } from './verdict.ts'
import { verify } from './verify.ts'
import type { Reply } from './messages.ts'
import { writeForWorkers } from './write-for-workers.ts'
import { writerElsewhere } from './writer-elsewhere.ts'
import { startWriter, type Writer } from './writer.ts'

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
  /** The one server of this file: refused while there is another. */
  readonly serves?: boolean
  /** Another process writes for this one. */
  readonly through?: WriterLink
}

const readRetryMillis = 1_000
/** SQLITE_ERROR. */
const wrongStatement = 1

/**
 * The embedded store: one file, one writer thread, reads on the calling thread. Creates the file if there is none.
 * Throws StoreRefused for a file that is foreign, damaged or from a newer program; StoreUnavailable when it stays locked.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<OpenStore> {
  const { path, clock, random } = options
  const limits = { ...sqliteLimits, ...options.limits }
  const eventTtl = options.eventTtl ?? lifetimes.event
  prepareFile(path)
  // Whoever writes for a worker has looked.
  const lost = options.through === undefined ? prepareLog(path) : undefined
  if (lost !== undefined) throw damagedFile(path, lost)
  const letGo = options.serves === true ? holdServing(path) : () => undefined
  const on = {
    reply(reply: Reply) {
      if (reply.is === 'fatal') return die(reply.why)
      // Before anybody learns that his commit went through, so that he finds it there.
      snapshot.drop()
      queue.receive(reply)
    },
    gone: (why: string) => began && die(why),
  }
  const orders = {
    path,
    quickCheck: options.quickCheck ?? true,
    walBytes: limits.walBytes,
    pages: limits.pages,
    busyMillis: limits.busyMillis,
    seed: Math.floor(fractionOf(random.stamp()) * 2 ** 32),
  }
  const writer =
    options.through === undefined
      ? startWriter(orders, on)
      : writerElsewhere(options.through, (reply) => on.reply(reply))
  const queue = createCommitQueue({ send: writer.send, clock, random, limits })
  let began = false
  let dead = false
  const db = await begin(writer, path, limits.busyMillis).catch((error: unknown) => {
    letGo()
    throw error
  })
  began = true
  const reader = createReader(db, eventTtl)
  const snapshot = createSnapshot(db, clock)
  const feed = createFeed(db, snapshot)
  const writeFor = writeForWorkers(queue)
  let closed: Promise<void> | undefined

  function die(why: string): void {
    if (dead) return
    dead = true
    queue.fail(new StoreUnavailable(`the store takes no writes: its writer died (${why})`, 'none'))
    options.onFatal(new Error(`the store ${path} can't be written any more: ${why}`))
  }

  /** Runs at once; only while another process keeps even readers out (it recovers the file) tries again for a second. */
  function reading<T>(read: () => T): Promise<T> {
    if (closed === undefined) {
      try {
        snapshot.take()
        return Promise.resolve(read())
      } catch {
        // What it was comes up again where there is time for it.
      }
    }
    return readingAgain(read)
  }

  async function readingAgain<T>(read: () => T): Promise<T> {
    if (closed !== undefined) throw new StoreUnavailable('the store is closed', 'none')
    try {
      return await patiently(readRetryMillis, () => {
        snapshot.take()
        return read()
      })
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
      const isDamaged = error instanceof DamagedRow || verdictOf(error, 'unit') === 'corrupt'
      const unavailable = new StoreUnavailable(`the store can't be read: ${wordsOf(error)}`, 'none', {
        cause: error,
        ofOne: isDamaged,
      })
      if (isDamaged) options.onDamage?.(unavailable)
      throw unavailable
    }
  }

  return {
    store: {
      read: (refs) => reading(() => reader.read(refs)),
      commit: (writes) => (writes.length === 0 ? Promise.resolve('committed') : queue.commit(encodeUnit(writes))),
      list: (kind, owner, { after, limit }) => reading(() => reader.list({ kind, owner, after, limit })),
      sweep: (now, limit, eventsBefore = now - eventTtl) => sweepBySteps({ queue, clock, now, limit, eventsBefore }),
    },
    admin: {
      scan: (...kinds) => scan(path, kinds, eventTtl),
      async ping() {
        await reading(() => reader.read([{ kind: 'instance', id: 'self' }]))
        const refusal = queue.refusal()
        if (refusal !== undefined) throw refusal
      },
      verify: () => verify(path),
      changes(cursor) {
        try {
          return feed.since(cursor)
        } catch {
          return reading(() => feed.since(cursor))
        }
      },
      changesAre: 'exact',
      arrival: snapshot.arrival,
      writeFor,
      close: () => (closed ??= close()),
    },
  }

  async function close(): Promise<void> {
    await queue.drain()
    snapshot.drop()
    db.close()
    await writer.close()
    letGo()
  }
}

/** Set the file up, let the writer open it, and open it for reading. */
async function begin(writer: Writer, path: string, busyMillis: number): Promise<DatabaseSync> {
  try {
    await patiently(busyMillis, () => setUp(path))
    const began = await writer.begin()
    if (began.is === 'refused') throw damagedFile(path, began.why)
    if (began.is === 'busy') throw lockedByAnother()
    return await patiently(busyMillis, () => openConnection(path, { readOnly: true }))
  } catch (error) {
    await writer.abandon()
    throw isDamage(error) ? damagedFile(path, error) : error
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

/** Our own statements are right: a file of ours at which SQLite takes one for wrong has a header that isn't what was written. */
function isDamage(error: unknown): boolean {
  return verdictOf(error, 'unit') === 'corrupt' || errorCodeOf(error) === wrongStatement
}

function damagedFile(path: string, cause: unknown): StoreRefused {
  return new StoreRefused(`the store ${path} is damaged (${wordsOf(cause)}): restore the newest backup`, { cause })
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
