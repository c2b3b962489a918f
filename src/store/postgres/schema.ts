/** Written beside the schema version, so that nobody takes another program's tables for a store. */
export const application = 'gatehouse'

/**
 * Each step leads from one schema version to the next. Every statement can run twice, for servers whose definitions aren't
 * part of a transaction. Ids, owners and versions are bytes: any text, compared and sorted bytewise whatever the database's collation.
 * `sweep_at` is when a record is looked at by a sweep: never after `expires_at`, and up to a day before it, so that a refresh
 * rotation, which moves `expires_at` every time, touches no index and the row stays on its page.
 * `feed` has one row, locked by whoever announces a change: so their numbers are in the order of their commits, without gaps.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE IF NOT EXISTS $.record (
       kind       text NOT NULL,
       id         bytea NOT NULL,
       version    bytea NOT NULL,
       value      text NOT NULL,
       expires_at bigint,
       sweep_at   bigint,
       owners     text NOT NULL,
       PRIMARY KEY (kind, id)
     )`,
    'CREATE INDEX IF NOT EXISTS record_sweep ON $.record (sweep_at) WHERE sweep_at IS NOT NULL',
    `CREATE TABLE IF NOT EXISTS $.link (
       kind  text NOT NULL,
       owner bytea NOT NULL,
       id    bytea NOT NULL,
       PRIMARY KEY (kind, owner, id)
     )`,
    `CREATE TABLE IF NOT EXISTS $.event (
       bucket text NOT NULL,
       id     bytea NOT NULL,
       at     bigint NOT NULL,
       value  text NOT NULL,
       PRIMARY KEY (bucket, id)
     )`,
    'CREATE INDEX IF NOT EXISTS event_at ON $.event (bucket, at)',
    `CREATE TABLE IF NOT EXISTS $.change (
       seq        bigint PRIMARY KEY,
       kind       text NOT NULL,
       id         bytea NOT NULL,
       expires_at bigint NOT NULL
     )`,
    `CREATE TABLE IF NOT EXISTS $.feed (
       one    integer PRIMARY KEY,
       newest bigint NOT NULL
     )`,
    'INSERT INTO $.feed (one, newest) VALUES (1, 0) ON CONFLICT (one) DO NOTHING',
  ],
]

/**
 * For PostgreSQL itself; servers that only speak its protocol store otherwise. Room on each page for the next version of a
 * row, and a vacuum that comes before dead rows are many: what expires leaves whole pages free for what comes.
 */
export const tuning: readonly string[] = [
  'ALTER TABLE $.record SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05)',
  'ALTER TABLE $.link SET (autovacuum_vacuum_scale_factor = 0.02)',
  'ALTER TABLE $.event SET (autovacuum_vacuum_scale_factor = 0.02)',
  'ALTER TABLE $.change SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)',
  'ALTER TABLE $.feed SET (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200)',
]
