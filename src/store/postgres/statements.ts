/** A statement that each connection prepares once. */
export type Prepared = { readonly name: string; readonly text: string }

export type Statements = ReturnType<typeof statementsFor>

/**
 * Every statement of the adapter, for one schema. All are sets: one statement for any number of rows, given as arrays.
 * A statement that must touch a certain number of rows divides by zero otherwise, which ends its transaction.
 */
export function statementsFor(schema: string) {
  const prepared = (name: string, text: string): Prepared => ({
    // Two stores may share a connection pooler.
    name: `${schema}_${name}`,
    text: text.replaceAll('$.', `"${schema}".`).replaceAll(/\s+/g, ' ').trim(),
  })
  const exactly = (name: string, count: string, work: string): Prepared =>
    prepared(
      name,
      `WITH done AS (${work} RETURNING 1) SELECT 1 / (CASE WHEN count(*) = ${count}::bigint THEN 1 ELSE 0 END) FROM done`,
    )
  const columns = 'r.id, r.version, r.value, r.expires_at'

  return {
    begin: prepared('begin', 'BEGIN ISOLATION LEVEL READ COMMITTED'),
    commit: prepared('commit', 'COMMIT'),
    rollback: prepared('rollback', 'ROLLBACK'),

    /** kinds, ids. In one order for everybody, so that nobody waits in a circle. */
    lock: prepared(
      'lock',
      `SELECT r.kind, r.id, r.version, r.sweep_at, r.owners
         FROM unnest($1::text[], $2::bytea[]) AS w(kind, id) JOIN $.record AS r ON r.kind = w.kind AND r.id = w.id
        ORDER BY r.kind, r.id FOR UPDATE OF r`,
    ),
    /** kinds, ids, versions, values, expires_at, sweep_at, owners */
    insert: prepared(
      'insert',
      `INSERT INTO $.record (kind, id, version, value, expires_at, sweep_at, owners)
       SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])`,
    ),
    /** as `insert`, then expected versions, count */
    update: exactly(
      'update',
      '$9',
      `UPDATE $.record AS r
          SET version = w.version, value = w.value, expires_at = w.expires_at, sweep_at = w.sweep_at, owners = w.owners
         FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::bytea[])
           AS w(kind, id, version, value, expires_at, sweep_at, owners, expect)
        WHERE r.kind = w.kind AND r.id = w.id AND r.version = w.expect`,
    ),
    /** kinds, ids, expected versions, count */
    remove: exactly(
      'remove',
      '$4',
      `DELETE FROM $.record AS r USING unnest($1::text[], $2::bytea[], $3::bytea[]) AS w(kind, id, expect)
        WHERE r.kind = w.kind AND r.id = w.id AND r.version = w.expect`,
    ),
    /** kinds, ids: rows that nobody will ever see, which keep others from creating theirs until the end of the transaction. */
    claim: prepared(
      'claim',
      `INSERT INTO $.record (kind, id, version, value, owners)
       SELECT w.kind, w.id, ''::bytea, '', '[]' FROM unnest($1::text[], $2::bytea[]) AS w(kind, id)`,
    ),
    /** kinds, ids, count */
    unclaim: exactly(
      'unclaim',
      '$3',
      `DELETE FROM $.record AS r USING unnest($1::text[], $2::bytea[]) AS w(kind, id) WHERE r.kind = w.kind AND r.id = w.id`,
    ),
    /** kinds, owners, ids */
    link: prepared(
      'link',
      'INSERT INTO $.link (kind, owner, id) SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[])',
    ),
    /** kinds, owners, ids */
    unlink: prepared(
      'unlink',
      `DELETE FROM $.link AS l USING unnest($1::text[], $2::bytea[], $3::bytea[]) AS w(kind, owner, id)
        WHERE l.kind = w.kind AND l.owner = w.owner AND l.id = w.id`,
    ),
    /** buckets, ids, at, values */
    append: prepared(
      'append',
      'INSERT INTO $.event (bucket, id, at, value) SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::text[])',
    ),
    /** numbers from 1, kinds, ids, expires_at, count */
    announce: prepared(
      'announce',
      `WITH feed AS (UPDATE $.feed SET newest = newest + $5::bigint WHERE one = 1 RETURNING newest)
       INSERT INTO $.change (seq, kind, id, expires_at)
       SELECT feed.newest - $5::bigint + w.number, w.kind, w.id, w.expires_at
         FROM feed, unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[]) AS w(number, kind, id, expires_at)`,
    ),

    /** kinds, ids */
    read: prepared(
      'read',
      `SELECT r.kind, ${columns}
         FROM unnest($1::text[], $2::bytea[]) AS w(kind, id) JOIN $.record AS r ON r.kind = w.kind AND r.id = w.id`,
    ),
    /** buckets, ids */
    events: prepared(
      'events',
      `SELECT e.id, e.value, e.at
         FROM unnest($1::text[], $2::bytea[]) AS w(bucket, id) JOIN $.event AS e ON e.bucket = w.bucket AND e.id = w.id`,
    ),
    /** kind, owner, after, limit */
    list: prepared(
      'list',
      `SELECT ${columns} FROM $.link AS l JOIN $.record AS r ON r.kind = l.kind AND r.id = l.id
        WHERE l.kind = $1 AND l.owner = $2 AND l.id > $3 ORDER BY l.id LIMIT $4`,
    ),
    /** bucket, after, limit */
    listEvents: prepared(
      'list_events',
      'SELECT id, value, at FROM $.event WHERE bucket = $1 AND id > $2 ORDER BY id LIMIT $3',
    ),
    /** kind, after, limit */
    walk: prepared(
      'walk',
      `SELECT ${columns}, r.owners FROM $.record AS r WHERE r.kind = $1 AND r.id > $2 ORDER BY r.id LIMIT $3`,
    ),
    /** One row: newest number, oldest line. */
    newest: prepared('newest', 'SELECT newest, (SELECT min(seq) FROM $.change) FROM $.feed WHERE one = 1'),
    /** after, up to */
    changes: prepared('changes', 'SELECT kind, id FROM $.change WHERE seq > $1 AND seq <= $2 ORDER BY seq'),

    /** from, now, limit. Whoever is at work on a record keeps it from nobody else's sweep but this one. */
    due: prepared(
      'due',
      `SELECT kind, id, expires_at, owners, sweep_at FROM $.record WHERE sweep_at >= $1 AND sweep_at < $2
        ORDER BY sweep_at LIMIT $3 FOR UPDATE SKIP LOCKED`,
    ),
    /** kinds, ids, sweep_at */
    refile: prepared(
      'refile',
      `UPDATE $.record AS r SET sweep_at = w.sweep_at FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS w(kind, id, sweep_at)
        WHERE r.kind = w.kind AND r.id = w.id`,
    ),
    /** bucket, from, before, limit. Events of one bucket lie in the order of their ids, which begin with their time. */
    sweepEvents: prepared(
      'sweep_events',
      `DELETE FROM $.event WHERE bucket = $1 AND id IN (
         SELECT id FROM $.event WHERE bucket = $1 AND at >= $2 AND at < $3 ORDER BY at LIMIT $4) RETURNING at`,
    ),
    /** now. Only a beginning of the feed, so that whoever finds his next line there has missed none. */
    sweepChanges: prepared(
      'sweep_changes',
      `DELETE FROM $.change WHERE seq < coalesce(
         (SELECT min(seq) FROM $.change WHERE expires_at >= $1), (SELECT newest + 1 FROM $.feed WHERE one = 1))`,
    ),
    /** after kind, after id, limit */
    rawRecords: prepared(
      'raw_records',
      'SELECT kind, id, value, owners FROM $.record WHERE (kind, id) > ($1, $2) ORDER BY kind, id LIMIT $3',
    ),
    /** kinds, owners, ids: those that stand in no list */
    unlinked: prepared(
      'unlinked',
      `SELECT w.kind, w.owner, w.id FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS w(kind, owner, id)
         LEFT JOIN $.link AS l ON l.kind = w.kind AND l.owner = w.owner AND l.id = w.id WHERE l.id IS NULL`,
    ),
    /** after kind, after owner, after id, limit */
    rawLinks: prepared(
      'raw_links',
      `SELECT l.kind, l.owner, l.id, r.owners FROM $.link AS l LEFT JOIN $.record AS r ON r.kind = l.kind AND r.id = l.id
        WHERE (l.kind, l.owner, l.id) > ($1, $2, $3) ORDER BY l.kind, l.owner, l.id LIMIT $4`,
    ),
    feedIsSound: prepared('feed_is_sound', 'SELECT newest >= coalesce((SELECT max(seq) FROM $.change), 0) FROM $.feed'),
    /** Whether this server takes writes: a standby doesn't, nor one that was made read-only. */
    writable: prepared('writable', "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')"),
  }
}
