import { setTimeout as pause } from 'node:timers/promises'

export type Ask = (statement: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>

/** What a process counted reaches everybody when it ends: wait until all are gone. */
export async function untilCounted(ask: Ask): Promise<void> {
  while ((await ask("SELECT 1 FROM pg_stat_activity WHERE application_name = 'gatehouse'")).length > 0) await pause(5)
}

/**
 * What the autovacuum daemon does each time that it looks, by its own formula and with the settings of each table (PostgreSQL's
 * manual, 24.1.6), but when the test says: hours of traffic pass in a blink here. Returns which tables it vacuumed.
 */
export async function upkeep(ask: Ask, schema: string): Promise<readonly string[]> {
  const due = await ask(
    `WITH mine AS (${tables}), own AS (
       SELECT mine.*, (SELECT jsonb_object_agg(option_name, option_value) FROM pg_options_to_table(options)) AS set
         FROM mine
     ), most AS (
       SELECT own.*, ${most('vacuum')} AS most_dead, ${most('vacuum_insert')} AS most_inserted, ${most('analyze')} AS most_changed
         FROM own
     ), due AS (
       SELECT oid, (dead > most_dead OR inserted > most_inserted) AS dirty, kind = 'r' AND changed > most_changed AS changed
         FROM most
     )
     SELECT oid::regclass::text AS name, dirty, changed FROM due WHERE dirty OR changed`,
    [schema],
  )
  for (const { name, dirty, changed } of due) {
    if (dirty === true) await ask(`VACUUM ${String(name)}`)
    if (changed === true) await ask(`ANALYZE ${String(name)}`)
  }
  return due.flatMap(({ name, dirty }) => (dirty === true ? [String(name)] : []))
}

/** Pages of each table, of what it keeps elsewhere because it is long, and of each index. */
export async function pagesOf(ask: Ask, schema: string): Promise<Readonly<Record<string, number>>> {
  const rows = await ask(
    `WITH mine AS (${tables})
     SELECT name, (pg_relation_size(oid) / 8192)::int AS pages FROM mine
     UNION ALL
     SELECT i.indexrelid::regclass::text, (pg_relation_size(i.indexrelid) / 8192)::int
       FROM pg_index AS i JOIN mine ON mine.oid = i.indrelid WHERE mine.kind = 'r'
     UNION ALL
     SELECT 'index of ' || mine.name, (pg_relation_size(i.indexrelid) / 8192)::int
       FROM pg_index AS i JOIN mine ON mine.oid = i.indrelid WHERE mine.kind = 't'`,
    [schema],
  )
  return Object.fromEntries(rows.map(({ name, pages }) => [String(name).replace(`${schema}.`, ''), Number(pages)]))
}

/** The tables of a schema with those of their long values. `$1` is the schema. */
const tables = `
  SELECT c.oid, c.relkind AS kind, c.reloptions AS options, greatest(c.reltuples, 0) AS rows,
         CASE c.relkind WHEN 't' THEN 'long values of ' || owner.relname ELSE c.relname END AS name,
         coalesce(s.n_dead_tup, 0) AS dead, coalesce(s.n_ins_since_vacuum, 0) AS inserted,
         coalesce(s.n_mod_since_analyze, 0) AS changed
    FROM pg_class AS owner JOIN pg_class AS c ON c.oid IN (owner.oid, owner.reltoastrelid)
    LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
   WHERE owner.relnamespace = to_regnamespace($1) AND owner.relkind = 'r'`

/** Above which an action is due: a threshold, and a share of the rows; a table's own setting comes before the server's. */
function most(action: 'vacuum' | 'vacuum_insert' | 'analyze'): string {
  const [threshold, share] = ['threshold', 'scale_factor'].map((what) => {
    const name = `autovacuum_${action}_${what}`
    return `coalesce((set->>'${name}')::float, current_setting('${name}')::float)`
  })
  return `${threshold} + ${share} * rows`
}
