import { DatabaseSync } from 'node:sqlite'
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

/**
 * The peer on the database we use, as durable as we are: WAL, synchronous=FULL, prepared statements, a table per model
 * keyed by id, and one commit for each operation, since the peer's adapter interface has no transaction across operations.
 */
export const openSqliteAdapter = (file: string): AdapterFactory => {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY')
  const deletions = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  return (model) => {
    database.exec(`
      CREATE TABLE IF NOT EXISTS "${model}" (
        id TEXT PRIMARY KEY, payload TEXT NOT NULL, grant_id TEXT, uid TEXT, expires_at INTEGER, consumed_at INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS "${model}_grant" ON "${model}" (grant_id) WHERE grant_id IS NOT NULL;
      CREATE INDEX IF NOT EXISTS "${model}_uid" ON "${model}" (uid) WHERE uid IS NOT NULL`)
    const upsert = database.prepare(
      `INSERT INTO "${model}" (id, payload, grant_id, uid, expires_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid, expires_at = excluded.expires_at`,
    )
    const byId = database.prepare(`SELECT payload, consumed_at FROM "${model}" WHERE id = ?`)
    const byUid = database.prepare(`SELECT payload, consumed_at FROM "${model}" WHERE uid = ?`)
    const destroy = database.prepare(`DELETE FROM "${model}" WHERE id = ?`)
    const consume = database.prepare(`UPDATE "${model}" SET consumed_at = ? WHERE id = ?`)
    deletions.set(model, database.prepare(`DELETE FROM "${model}" WHERE grant_id = ?`))
    return {
      upsert: async (id, payload, expiresIn) => {
        const expiresAt = expiresIn === undefined ? null : Math.floor(Date.now() / 1000) + expiresIn
        upsert.run(id, JSON.stringify(payload), payload.grantId ?? null, payload.uid ?? null, expiresAt)
      },
      find: async (id) => read(byId.get(id)),
      findByUid: async (uid) => read(byUid.get(uid)),
      findByUserCode: async () => undefined,
      destroy: async (id) => {
        destroy.run(id)
      },
      consume: async (id) => {
        consume.run(Math.floor(Date.now() / 1000), id)
      },
      revokeByGrantId: async (grantId) => {
        for (const deletion of deletions.values()) deletion.run(grantId)
      },
    } satisfies Adapter
  }
}

const read = (row: Record<string, unknown> | undefined): AdapterPayload | undefined => {
  if (row === undefined) return undefined
  const payload = JSON.parse(String(row['payload'])) as AdapterPayload
  if (row['consumed_at'] !== null) payload.consumed = Number(row['consumed_at'])
  return payload
}
