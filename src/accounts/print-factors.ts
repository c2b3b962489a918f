import { passkeysOf, type Factors } from '../domain/factors.ts'

/** What somebody has as second factors, for himself and for administrators: never a secret. */
export function printFactors(factors: Factors | undefined) {
  return {
    authenticator: factors?.authenticator === undefined ? null : { created_at: factors.authenticator.createdAt },
    passkeys: passkeysOf(factors).map(({ id, name, synced, createdAt, lastUsedAt }) => ({
      passkey_id: id,
      name,
      synced,
      created_at: createdAt,
      last_used_at: lastUsedAt ?? null,
    })),
    recovery_codes_left: factors?.recoveryHashes.length ?? 0,
  }
}
