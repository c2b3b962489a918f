import type { OpenStore } from '../port.ts'
import { StoreRefused } from '../refused.ts'
import { AttemptFailed } from '../sql/attempt-failed.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Connection, Inspect } from './connection.ts'
import { originOf, printOrigin, servedOrigin, type Origin } from './origin.ts'

type Guarded = Pick<Dialect<Connection>, 'connect' | 'migrate'>

/** Any number, the same for every Gatehouse: whoever holds it fences. */
const fenceLock = 4748736501
/** As long as a statement may take: whoever fences reads the whole store, and others would give up a lock long before. */
const fenceMillis = 60_000
/** More changes than any memory has missed: whoever asks for what is new since another history learns that he must forget everything. */
const feedLeap = 1_000_000

/**
 * FLT-11: before anybody uses a server whose history isn't the one that the tables were served on, the store is fenced, once,
 * whichever process comes first: an asynchronous standby may lack the latest commits. No request gets a connection until then.
 */
export function guardOrigin(options: {
  /** As without the guard. */
  readonly connect: (patience: 'request' | 'patient', inspect?: Inspect) => Promise<Connection>
  readonly migrate: Guarded['migrate']
  readonly schema: string
  readonly place: string
  /** Whoever is promoted has every commit that was answered. */
  readonly losesNothing: boolean
  /** The same store without the guard. */
  readonly openBare: () => Promise<OpenStore>
  readonly onMoved: ((bare: OpenStore) => Promise<void>) | undefined
  readonly onNewOrigin: (() => void) | undefined
}): Guarded {
  const { schema, place, losesNothing, openBare, onMoved } = options
  let newest: Origin | undefined
  let fencing: Promise<void> | undefined

  async function connect(patience: 'request' | 'patient'): Promise<Connection> {
    const connection = await connectUnlessMoved(patience)
    if (connection !== undefined) return connection
    await (fencing ??= fenceOnce().finally(() => (fencing = undefined)))
    const next = await connectUnlessMoved(patience)
    if (next === undefined) throw new AttemptFailed('the database moves again and again', 'none')
    return next
  }

  async function connectUnlessMoved(patience: 'request' | 'patient'): Promise<Connection | undefined> {
    let moved = false
    const connection = await options.connect(patience, async (candidate) => {
      moved = await hasMoved(candidate)
    })
    if (!moved) return connection
    await connection.close()
    return undefined
  }

  async function hasMoved(connection: Connection): Promise<boolean> {
    const [now, served] = await Promise.all([originOf(connection), servedOrigin(connection, schema)])
    // Where another one could say it, this one isn't known to be the same.
    if (now === undefined) return served !== undefined
    // The old primary is back, and knows nothing of what came after it.
    if (newest?.system === now.system && now.timeline < newest.timeline)
      throw new AttemptFailed('the server has an older history than the one that was used last', 'none')
    const moved = served !== undefined && served !== printOrigin(now)
    if (moved) return true
    // Fenced by us or by another process: what this one remembers is of before.
    if (newest !== undefined && printOrigin(newest) !== printOrigin(now)) options.onNewOrigin?.()
    newest = now
    return false
  }

  async function fenceOnce(): Promise<void> {
    const connection = await options.connect('patient')
    try {
      const now = await originOf(connection)
      // Nobody can tell the next failover here: only who runs it may go on, and he says so. Other products may lack the lock.
      if (now === undefined && !losesNothing) throw new StoreRefused(silent(place))
      if (now !== undefined) {
        await connection.query(`SET lock_timeout = ${fenceMillis}`)
        await connection.query(`SELECT pg_advisory_lock(${fenceLock})`)
      }
      // Another process may have done it while we waited.
      if (!(await hasMoved(connection))) return
      if (!losesNothing) await fence()
      await connection.query(`UPDATE "${schema}".feed SET newest = newest + ${feedLeap} WHERE one = 1`)
      await connection.query(
        now === undefined
          ? `DELETE FROM "${schema}".house WHERE name = 'origin'`
          : `UPDATE "${schema}".house SET value = '${printOrigin(now)}' WHERE name = 'origin'`,
      )
    } finally {
      await connection.close()
    }
  }

  async function fence(): Promise<void> {
    if (onMoved === undefined)
      throw new StoreRefused(
        `the database of ${place} was moved by a failover or a restore and may lack its latest commits: start a server on it, or run gatehouse store fence`,
      )
    const bare = await openBare()
    try {
      await onMoved(bare)
    } finally {
      await bare.admin.close()
    }
  }

  return {
    connect,
    async migrate(connection, create) {
      await options.migrate(connection, create)
      const now = await originOf(connection)
      if (now === undefined) return
      await connection.query(
        `INSERT INTO "${schema}".house (name, value) VALUES ('origin', '${printOrigin(now)}') ON CONFLICT (name) DO NOTHING`,
      )
    },
  }
}

const silent = (place: string): string =>
  `the database of ${place} doesn't say which history it has, though the one that the store was served on did, so it may lack commits: let its role execute pg_control_system(), or see docs/stores.md`
