import type { Factors } from '../domain/factors.ts'

/** What somebody has as second factors, for himself and for administrators: never a secret. */
export function printFactors(factors: Factors | undefined) {
  return {
    authenticator: factors?.authenticator === undefined ? null : { created_at: factors.authenticator.createdAt },
    recovery_codes_left: factors?.recoveryHashes.length ?? 0,
  }
}
