import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import pg from 'pg'
import type { SqlAddress } from '../../config/sql-address.ts'
import { firstHost } from '../sql/first-host.ts'
import type { Pooled } from '../sql/pool.ts'
import { readAuthorities } from '../sql/read-authorities.ts'
import { settle } from './settle.ts'
import type { Prepared } from './statements.ts'
import { failureOf } from './verdict.ts'

export type Answer = {
  readonly rows: readonly (readonly unknown[])[]
  readonly command: string
  readonly count: number
}

/** One connection to the server that takes writes. Queries that are begun together travel together, each answered by itself. */
export type Connection = Pooled & {
  /** Rejects with what the driver throws. */
  readonly query: (statement: Prepared | string, values?: readonly unknown[]) => Promise<Answer>
}

export type ConnectionLimits = {
  /** The server gives up a statement, and a wait for a lock. */
  readonly statementMillis: number
  readonly lockMillis: number
  /** A frozen node's transaction ends, so that its locks keep nobody. */
  readonly idleMillis: number
  /** We give up a server that doesn't answer at all. */
  readonly answerMillis: number
  readonly connectMillis: number
}

export const connectionLimits: ConnectionLimits = {
  statementMillis: 2_000,
  lockMillis: 500,
  idleMillis: 4_000,
  answerMillis: 3_000,
  connectMillis: 2_000,
}

/** Looks at a host before it is taken; throws AttemptFailed to pass it over. */
export type Inspect = (connection: Connection) => Promise<void>

/** The first host that takes writes. Throws AttemptFailed `none`, or StoreRefused for what waiting won't mend. */
export function connect(
  address: SqlAddress,
  limits: ConnectionLimits = connectionLimits,
  inspect?: Inspect,
): Promise<Connection> {
  return firstHost(address, async (host) => {
    const connection = await connectTo(address, host, limits)
    try {
      await inspect?.(connection)
      return connection
    } catch (error) {
      await Promise.resolve(connection.close()).catch(() => undefined)
      throw failureOf(error, 'before')
    }
  })
}

async function connectTo(
  address: SqlAddress,
  { host, port }: SqlAddress['hosts'][number],
  limits: ConnectionLimits,
): Promise<Connection> {
  const client = new pg.Client({
    host,
    port,
    database: address.database,
    user: address.user,
    password: address.password?.reveal() ?? '',
    ssl: tlsOf(address, host),
    application_name: 'gatehouse',
    pipeline: true,
    keepAlive: true,
    connectionTimeoutMillis: limits.connectMillis,
    query_timeout: limits.answerMillis,
    statement_timeout: limits.statementMillis,
    lock_timeout: limits.lockMillis,
    idle_in_transaction_session_timeout: limits.idleMillis,
  })
  let broken = false
  const gone = (): void => {
    broken = true
  }
  client.on('error', gone)
  client.on('end', gone)
  const connection: Connection = {
    query: async (statement, values) => {
      const { rows, command, rowCount } = await client.query({
        ...(typeof statement === 'string' ? { text: statement } : statement),
        ...(values !== undefined && { values: [...values] }),
        rowMode: 'array',
      })
      return { rows, command, count: rowCount ?? 0 }
    },
    broken: () => broken,
    close: async () => {
      gone()
      await client.end()
    },
  }
  try {
    await client.connect()
    await settle(connection, address)
    return connection
  } catch (error) {
    await Promise.resolve(connection.close()).catch(() => undefined)
    throw failureOf(error, 'before')
  }
}

function tlsOf(address: SqlAddress, host: string): pg.ClientConfig['ssl'] {
  if (!address.tls) return false
  return {
    rejectUnauthorized: true,
    // RFC 6066 §3: an address is no name to ask for.
    ...(isIP(host) === 0 && { servername: host }),
    // Unless told, it would be "localhost" for an address.
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    minVersion: 'TLSv1.2',
    ...readAuthorities(address),
  }
}
