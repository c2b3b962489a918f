import { StoreRefused } from '../refused.ts'
import type { Connection } from './connection.ts'
import { application, migrations } from './schema.ts'
import { sql } from './sql-text.ts'

type Migrating = { readonly database: string; readonly place: string; readonly create: boolean }

/** Longer than any migration; whoever waits for another's does so in vain after this. */
const migrationSeconds = 60

/**
 * Bring the tables up to date; only one process does so at a time.
 * Throws StoreRefused for tables that are another program's, or a newer one's, or that aren't there unless `create`.
 */
export async function migrate(connection: Connection, options: Migrating): Promise<void> {
  if ((await versionOf(connection, options)) === migrations.length) return
  const lock = sql`${`gatehouse ${options.database}`.slice(0, 64)}`
  const { rows } = await connection.one(sql`SELECT GET_LOCK(${lock}, ${migrationSeconds})`)
  if (Number(rows[0]?.[0]) !== 1)
    throw new StoreRefused(
      `the store ${options.place} is being made or brought up to date by another process; wait for it`,
    )
  try {
    // Another process may have done it while we waited.
    const version = await versionOf(connection, options)
    await connection.one({
      text: 'CREATE TABLE IF NOT EXISTS gatehouse_house (name VARBINARY(32) PRIMARY KEY, value VARBINARY(255) NOT NULL) ENGINE = InnoDB',
    })
    await connection.one(sql`INSERT IGNORE INTO gatehouse_house (name, value) VALUES ('application', ${application})`)
    for (const [index, step] of migrations.entries()) {
      if (index < version) continue
      for (const text of step) await connection.one({ text })
      const reached = String(index + 1)
      await connection.one(
        sql`INSERT INTO gatehouse_house (name, value) VALUES ('schema', ${reached}) ON DUPLICATE KEY UPDATE value = ${reached}`,
      )
    }
  } catch (error) {
    if (error instanceof StoreRefused) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new StoreRefused(`the store ${options.place} can't be made or brought up to date: ${why}`, { cause: error })
  } finally {
    await connection.one(sql`SELECT RELEASE_LOCK(${lock})`).catch(() => connection.close())
  }
}

/** The schema version; 0 where there is nothing yet. */
async function versionOf(connection: Connection, { database, place, create }: Migrating): Promise<number> {
  const tables = await connection.one(
    sql`SELECT table_name FROM information_schema.tables WHERE table_schema = CONVERT(${database} USING utf8mb4) AND table_name LIKE 'gatehouse\_%'`,
  )
  const names = tables.rows.map(([name]) => String(name))
  const house = names.includes('gatehouse_house')
    ? await connection.one({ text: 'SELECT name, value FROM gatehouse_house' }).catch(() => undefined)
    : undefined
  // The table and its first row are two statements: another process may be between them, or have been killed there.
  const begun = names.length === 1 && house?.rows.length === 0
  if ((names.length === 0 || begun) && create) return 0
  if (names.length === 0 || begun)
    throw new StoreRefused(
      `there is no store at ${place}; check --store or --config, start the server once, or run gatehouse store migrate`,
    )
  const properties = new Map(house?.rows.map(([name, value]) => [String(name), String(value)]))
  if (properties.get('application') !== application)
    throw new StoreRefused(
      `${place} holds tables named gatehouse_… that aren't Gatehouse's, or that were never finished; use another database`,
    )
  // A first migration that was killed on its way.
  const version = Number(properties.get('schema') ?? 0)
  if (!Number.isInteger(version) || version > migrations.length)
    throw new StoreRefused(
      `the store ${place} was written by a newer Gatehouse (schema ${properties.get('schema')}, this one knows ${migrations.length}): ` +
        'run the newer one, or restore a backup from before the upgrade',
    )
  return version
}
