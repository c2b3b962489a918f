import { StoreRefused } from '../refused.ts'
import type { Connection } from './connection.ts'
import { isPostgres } from './is-postgres.ts'
import { application, migrations, tuning } from './schema.ts'

/** Any number, the same for every Gatehouse: whoever holds it migrates. */
const migrationLock = 4748736500

/** Longer than any migration; whoever waits for another's does so in vain after this. */
const migrationMillis = 60_000

type Migrating = { readonly schema: string; readonly place: string; readonly create: boolean }

/**
 * Bring the tables up to date, in one transaction that only one process is in at a time.
 * Throws StoreRefused for a schema that is another program's, or a newer one's, or that isn't there unless `create`.
 */
export async function migrate(connection: Connection, options: Migrating): Promise<void> {
  const { schema, place } = options
  if ((await versionOf(connection, options)) === migrations.length) return
  const native = isPostgres((await connection.query('SELECT version()')).rows[0]?.[0])
  await connection.query('BEGIN ISOLATION LEVEL READ COMMITTED')
  try {
    await connection.query(`SET LOCAL lock_timeout = ${migrationMillis}`)
    // Servers that only speak the protocol know no such lock; there, every step can run twice.
    if (native) await connection.query(`SELECT pg_advisory_xact_lock(${migrationLock})`)
    // Another process may have done it while we waited.
    const version = await versionOf(connection, options)
    const text = (statement: string): string => statement.replaceAll('$.', `"${schema}".`)
    if (version === 0) await connection.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`)
    await connection.query(text('CREATE TABLE IF NOT EXISTS $.house (name text PRIMARY KEY, value text NOT NULL)'))
    for (const step of migrations.slice(version)) for (const statement of step) await connection.query(text(statement))
    if (native) for (const statement of tuning) await connection.query(text(statement))
    await connection.query(
      text(`INSERT INTO $.house (name, value) VALUES ('application', '${application}'), ('schema', '${migrations.length}')
            ON CONFLICT (name) DO UPDATE SET value = excluded.value`),
    )
    await connection.query('COMMIT')
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => connection.close())
    if (error instanceof StoreRefused) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new StoreRefused(`the store ${place} can't be made or brought up to date: ${why}`, { cause: error })
  }
}

/** The schema version; 0 where there is nothing yet. */
async function versionOf(connection: Connection, { schema, place, create }: Migrating): Promise<number> {
  const tables = await connection.query('SELECT table_name FROM information_schema.tables WHERE table_schema = $1', [
    schema,
  ])
  const names = tables.rows.map(([name]) => String(name))
  if (names.length === 0 && create) return 0
  if (names.length === 0)
    throw new StoreRefused(
      `there is no store at ${place}; check --store or --config, start the server once, or run gatehouse store migrate`,
    )
  const house = names.includes('house')
    ? await connection.query(`SELECT name, value FROM "${schema}".house`).catch(() => undefined)
    : undefined
  const properties = new Map(house?.rows.map(([name, value]) => [String(name), String(value)]))
  if (properties.get('application') !== application)
    throw new StoreRefused(
      `the schema ${schema} of ${place} holds tables that aren't Gatehouse's; name another one with ?schema=NAME`,
    )
  const version = Number(properties.get('schema'))
  if (!Number.isInteger(version) || version < 1 || version > migrations.length)
    throw new StoreRefused(
      `the store ${place} was written by a newer Gatehouse (schema ${properties.get('schema')}, this one knows ${migrations.length}): ` +
        'run the newer one, or restore a backup from before the upgrade',
    )
  return version
}
