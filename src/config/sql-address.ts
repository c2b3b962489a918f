import { isLoopbackHost } from '../protocol/loopback.ts'
import { secretValue, type SecretValue } from './secret-value.ts'

/** A database server as `postgres://` and `mysql://` addresses name it. */
export type SqlAddress = {
  /** In the order of preference: the first that takes writes is used. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly database: string
  readonly user: string
  readonly password?: SecretValue
  /** Verified TLS, or none at all. */
  readonly tls: boolean
  /** A file of authorities to trust in place of the system's. */
  readonly tlsAuthorities?: string
  /** The most connections that one process opens. */
  readonly connections: number
  /** PostgreSQL: the schema that holds the tables. */
  readonly schema: string
  /** PostgreSQL: who takes over has every commit that was answered, so nothing needs to be fenced then. */
  readonly standby?: 'synchronous'
}

export type SqlAddressResult = { readonly sql: SqlAddress } | { readonly problem: string }

const defaultConnections = 10
const mostConnections = 100
const ports = { postgres: 5432, mysql: 3306 }
const known = ['sslmode', 'sslrootcert', 'connections']

/** Reads what follows `postgres:` or `mysql:`. No problem repeats any of it: it may carry a password. */
export function parseSqlAddress(
  adapter: 'postgres' | 'mysql',
  rest: string,
  resolve: (path: string) => string,
): SqlAddressResult {
  const example = `${adapter}://USER:PASSWORD@HOST/DATABASE`
  const parts = /^\/\/(?:([^:@/?]*)(?::([^@/?]*))?@)?([^/?]+)\/([^/?]+)(?:\?(.*))?$/.exec(rest)
  if (parts === null) return { problem: `can't be read; write ${example}, with what is special in it percent-encoded` }
  const [user, password, database] = [parts[1], parts[2], parts[4]].map(decoded)
  if (user === undefined || user === '') return { problem: `names no user; write ${example}` }
  if (database === undefined || (parts[2] !== undefined && password === undefined))
    return { problem: `has a % that begins no code; write % as %25` }
  const hosts = (parts[3] ?? '').split(',').map((text) => parseHost(text, ports[adapter]))
  if (!hosts.every((host) => host !== undefined))
    return { problem: `names a host that can't be read; write HOST, HOST:PORT or several with commas between them` }
  const options = new URLSearchParams(parts[5] ?? '')
  const accepted = adapter === 'postgres' ? [...known, 'schema', 'standby'] : known
  for (const name of options.keys()) {
    if (!accepted.includes(name)) return { problem: `has an option that isn't one of ${accepted.join(', ')}` }
    if (options.getAll(name).length > 1) return { problem: `has the option ${name} twice` }
  }
  const tls = parseTls(options.get('sslmode'), hosts)
  if (tls === undefined)
    return {
      problem:
        'has an sslmode other than verify-full and disable; whatever encrypts without looking whom it talks to protects from nobody: ' +
        'use verify-full, with sslrootcert=FILE for an authority of your own',
    }
  const connections = Number(options.get('connections') ?? defaultConnections)
  if (!Number.isInteger(connections) || connections < 2 || connections > mostConnections)
    return { problem: `has connections outside 2 to ${mostConnections}` }
  const schema = options.get('schema') ?? 'gatehouse'
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return { problem: 'has a schema that is no plain lower-case name' }
  const standby = options.get('standby')
  if (standby !== null && standby !== 'synchronous')
    return { problem: 'has a standby other than synchronous; leave it out, and a failover is fenced' }
  const authorities = options.get('sslrootcert')
  return {
    sql: {
      hosts,
      database,
      user,
      ...(password !== undefined && { password: secretValue(password) }),
      tls,
      ...(authorities !== null && { tlsAuthorities: resolve(authorities) }),
      connections,
      schema,
      ...(standby !== null && { standby }),
    },
  }
}

/** Without user, password and options. */
export function printSqlAddress(adapter: 'postgres' | 'mysql', { hosts, database }: SqlAddress): string {
  const places = hosts.map(({ host, port }) => {
    const name = host.includes(':') ? `[${host}]` : host
    return port === ports[adapter] ? name : `${name}:${port}`
  })
  return `${adapter}://${places.join(',')}/${database}`
}

function parseTls(mode: string | null, hosts: readonly { readonly host: string }[]): boolean | undefined {
  // Between programs of one machine there is nobody to listen; everywhere else TLS is what happens by itself.
  if (mode === null) return !hosts.every(({ host }) => isLoopbackHost(host))
  if (mode === 'verify-full') return true
  return mode === 'disable' ? false : undefined
}

function parseHost(text: string, port: number): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? name
  const number = digits === undefined ? port : Number(digits)
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number }
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}
