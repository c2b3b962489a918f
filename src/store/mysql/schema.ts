/** Written beside the schema version, so that nobody takes another program's tables for a store. */
export const application = 'gatehouse'

/**
 * Each step leads from one schema version to the next. Definitions aren't part of a transaction here, so every statement can run
 * twice. Everything that is text is kept as bytes: any text, compared and sorted bytewise whatever the server's collation.
 * For `sweep_at` and `feed` see the schema of PostgreSQL.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE IF NOT EXISTS gatehouse_record (
       kind       VARBINARY(32) NOT NULL,
       id         VARBINARY(1024) NOT NULL,
       version    VARBINARY(1024) NOT NULL,
       value      LONGBLOB NOT NULL,
       expires_at BIGINT,
       sweep_at   BIGINT,
       owners     LONGBLOB NOT NULL,
       PRIMARY KEY (kind, id),
       KEY record_sweep (sweep_at)
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS gatehouse_link (
       kind  VARBINARY(32) NOT NULL,
       owner VARBINARY(1024) NOT NULL,
       id    VARBINARY(1024) NOT NULL,
       PRIMARY KEY (kind, owner, id)
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS gatehouse_event (
       bucket VARBINARY(8) NOT NULL,
       id     VARBINARY(1024) NOT NULL,
       at     BIGINT NOT NULL,
       value  LONGBLOB NOT NULL,
       PRIMARY KEY (bucket, id),
       KEY event_at (bucket, at)
     ) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`,
    `CREATE TABLE IF NOT EXISTS gatehouse_change (
       seq        BIGINT PRIMARY KEY,
       kind       VARBINARY(32) NOT NULL,
       id         VARBINARY(1024) NOT NULL,
       expires_at BIGINT NOT NULL
     ) ENGINE = InnoDB`,
    'CREATE TABLE IF NOT EXISTS gatehouse_feed (one INT PRIMARY KEY, newest BIGINT NOT NULL) ENGINE = InnoDB',
    'INSERT IGNORE INTO gatehouse_feed (one, newest) VALUES (1, 0)',
  ],
]
