import { parseDynamodbAddress, printDynamodbAddress, type DynamodbAddress } from './dynamodb-address.ts'
import { parseSqlAddress, printSqlAddress, type SqlAddress } from './sql-address.ts'

/** Where the records live, as `--store` names it. */
export type StoreAddress =
  | { readonly adapter: 'sqlite'; readonly path: string }
  | { readonly adapter: 'memory' }
  | { readonly adapter: 'postgres' | 'mysql'; readonly sql: SqlAddress }
  | { readonly adapter: 'dynamodb'; readonly dynamodb: DynamodbAddress }

export type StoreAddressResult = { readonly address: StoreAddress } | { readonly problem: string }

/** How an address may be written, for whoever wrote another one. */
export const storeAddressForms =
  'sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE, mysql://USER:PASSWORD@HOST/DATABASE, dynamodb://REGION/TABLE or memory:'

const sqlSchemes: Readonly<Record<string, 'postgres' | 'mysql'>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
}

/** Reads `sqlite:PATH`, `postgres://…`, `mysql://…`, `dynamodb://…` or `memory:`. `resolve` makes a path absolute, so that every command finds the same file. */
export function parseStoreAddress(text: string, resolve: (path: string) => string): StoreAddressResult {
  if (text === 'memory:') return { address: { adapter: 'memory' } }
  const [, scheme = '', rest = ''] = /^([a-z]+):(.*)$/.exec(text) ?? []
  if (scheme === 'sqlite') {
    // `sqlite://host/path` looks like a URL, but a file has no host; guessing would open the wrong file.
    if (rest === '' || rest.startsWith('//')) {
      return { problem: 'names no file; write sqlite:PATH, for example sqlite:./data/gatehouse.db' }
    }
    return { address: { adapter: 'sqlite', path: resolve(rest) } }
  }
  const adapter = sqlSchemes[scheme]
  if (adapter !== undefined) {
    const result = parseSqlAddress(adapter, rest, resolve)
    return 'problem' in result ? result : { address: { adapter, sql: result.sql } }
  }
  if (scheme === 'dynamodb') {
    const result = parseDynamodbAddress(rest)
    return 'problem' in result ? result : { address: { adapter: 'dynamodb', dynamodb: result.dynamodb } }
  }
  // The text itself stays unsaid: a store address may carry a password.
  return { problem: `is no store address; write ${storeAddressForms}` }
}

/** The address as text again, without anything secret. */
export function printStoreAddress(address: StoreAddress): string {
  if (address.adapter === 'memory') return 'memory:'
  if (address.adapter === 'dynamodb') return printDynamodbAddress(address.dynamodb)
  return address.adapter === 'sqlite' ? `sqlite:${address.path}` : printSqlAddress(address.adapter, address.sql)
}
