import type { EpochSeconds } from '../protocol/time.ts'

/** An app that makes one-time codes (RFC 6238). */
export type Authenticator = {
  /** The secret under the key outside the store. */
  readonly sealed: string
  /** The step of the last code that was accepted: none of it or before it ever works again (RFC 6238 §5.2). */
  readonly lastStep: number
  readonly createdAt: EpochSeconds
}

/** What an account has beside its password. There is no record for an account that has nothing. */
export type Factors = {
  readonly v: 1
  readonly authenticator?: Authenticator
  /** Of codes that nobody used yet. */
  readonly recoveryHashes: readonly string[]
}

/** Whether signing in takes more than the first factor. Recovery codes alone are none: they stand in for one. */
export function hasSecondFactor(factors: Factors | undefined): factors is Factors {
  return factors?.authenticator !== undefined
}
