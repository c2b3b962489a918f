import type { Adapter, AdapterPayload } from 'oidc-provider'

/**
 * The leanest store the peer can have: one Map per model, an index by grant. oidc-provider's own default keeps a thousand
 * entries, forgets the rest, and rewrites a grant's member list at every rotation: it would lose tokens and be slower.
 */
export const memoryAdapter = (model: string): Adapter => {
  const records = new Map<string, AdapterPayload>()
  const uids = new Map<string, string>()
  return {
    upsert: async (id, payload) => {
      records.set(id, payload)
      if (payload.uid !== undefined) uids.set(payload.uid, id)
      if (payload.grantId !== undefined) {
        const members = byGrant.get(payload.grantId)
        if (members === undefined) byGrant.set(payload.grantId, [[records, id]])
        else members.push([records, id])
      }
    },
    find: async (id) => records.get(id),
    findByUid: async (uid) => records.get(uids.get(uid) ?? ''),
    findByUserCode: async () => undefined,
    destroy: async (id) => {
      records.delete(id)
    },
    consume: async (id) => {
      const record = records.get(id)
      if (record !== undefined) record.consumed = Math.floor(Date.now() / 1000)
    },
    revokeByGrantId: async (grantId) => {
      for (const [owner, id] of byGrant.get(grantId) ?? []) owner.delete(id)
      byGrant.delete(grantId)
    },
  } satisfies Adapter & { model?: typeof model }
}

const byGrant = new Map<string, [Map<string, AdapterPayload>, string][]>()
