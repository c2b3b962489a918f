import type { KeySummary } from './keys.ts'

/** What is known of a key, with names of the wire. The key itself isn't in it. */
export const printKey = (key: KeySummary) => ({
  key_id: key.keyId,
  ring: key.ring,
  state: key.state,
  created_at: key.createdAt,
  active_from: key.activeFrom,
  retired_at: key.retiredAt ?? null,
  remove_at: key.removeAt ?? null,
})
