import { isIP } from 'node:net'
import { createConnection, type Connection as DriverConnection, type ConnectionOptions } from 'mysql2/promise'
import type { SqlAddress } from '../../config/sql-address.ts'
import { StoreRefused } from '../refused.ts'
import { firstHost } from '../sql/first-host.ts'
import type { Pooled } from '../sql/pool.ts'
import { readAuthorities } from '../sql/read-authorities.ts'
import { settle } from './settle.ts'
import type { Sql } from './sql-text.ts'
import { failureOf } from './verdict.ts'

/** What one statement came to: its rows, or how many rows it found to change. */
export type Answer = { readonly rows: readonly (readonly unknown[])[]; readonly count: number }

/** One connection to the server that takes writes. */
export type Connection = Pooled & {
  readonly one: (statement: Sql) => Promise<Answer>
  /** Sent together, done in order; none after the first that fails. Rejects with what the driver throws. */
  readonly all: (statements: readonly Sql[]) => Promise<readonly Answer[]>
}

/** In seconds, as the server wants them, but for when we give up a server that doesn't answer at all, or to a connection. */
export type ConnectionLimits = {
  readonly statementSeconds: number
  readonly lockSeconds: number
  /** A frozen node's transaction ends, so that its locks keep nobody. */
  readonly idleSeconds: number
  readonly answerMillis: number
  readonly connectMillis: number
}

export const connectionLimits: ConnectionLimits = {
  statementSeconds: 2,
  // The least that there is.
  lockSeconds: 1,
  idleSeconds: 4,
  answerMillis: 3_000,
  connectMillis: 2_000,
}

/** The first host that takes writes. Throws AttemptFailed `none`, or StoreRefused for what waiting won't mend. */
export function connect(address: SqlAddress, limits: ConnectionLimits = connectionLimits): Promise<Connection> {
  return firstHost(address, (host) => connectTo(address, host, limits))
}

async function connectTo(
  address: SqlAddress,
  { host, port }: SqlAddress['hosts'][number],
  limits: ConnectionLimits,
): Promise<Connection> {
  let driver: DriverConnection
  const ssl = tlsOf(address, host)
  try {
    driver = await createConnection({
      host,
      port,
      user: address.user,
      password: address.password?.reveal() ?? '',
      database: address.database,
      connectTimeout: limits.connectMillis,
      multipleStatements: true,
      rowsAsArray: true,
      charset: 'utf8mb4',
      enableKeepAlive: true,
      ...(ssl !== undefined && { ssl }),
    })
  } catch (error) {
    throw failureOf(error, 'before')
  }
  let broken = false
  const gone = (): void => {
    broken = true
  }
  driver.on('error', gone)
  driver.on('end', gone)

  async function all(statements: readonly Sql[]): Promise<readonly Answer[]> {
    try {
      const [result] = await driver.query({
        sql: statements.map(({ text }) => text).join(';'),
        timeout: limits.answerMillis,
      })
      return (statements.length === 1 ? [result] : (result as readonly unknown[])).map(answerOf)
    } catch (error) {
      // Without a word from the server nobody knows what it is doing: such a connection is of no use.
      if (!(error instanceof Error) || !('sqlState' in error)) close()
      throw error
    }
  }

  function close(): void {
    gone()
    driver.destroy()
  }

  const connection: Connection = {
    all,
    one: async (statement) => (await all([statement]))[0] ?? { rows: [], count: 0 },
    broken: () => broken,
    close,
  }
  try {
    await settle(connection, limits)
    return connection
  } catch (error) {
    close()
    throw failureOf(error, 'before')
  }
}

function answerOf(result: unknown): Answer {
  if (Array.isArray(result)) return { rows: result as readonly (readonly unknown[])[], count: result.length }
  const { affectedRows } = result as { readonly affectedRows?: number }
  return { rows: [], count: affectedRows ?? 0 }
}

function tlsOf(address: SqlAddress, host: string): ConnectionOptions['ssl'] {
  if (!address.tls) return undefined
  // The driver would compare the certificate with "localhost".
  if (isIP(host) !== 0)
    throw new StoreRefused(`TLS towards MySQL takes the name of a host, not ${host}: name it as its certificate does`)
  const verified = { rejectUnauthorized: true, verifyIdentity: true, minVersion: 'TLSv1.2' }
  return { ...verified, ...readAuthorities(address) }
}
