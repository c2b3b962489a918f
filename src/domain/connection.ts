import type { EpochSeconds } from '../protocol/time.ts'

/** Tokens of another server, kept for somebody. A site's own credential, from signing in there, is one too. */
export type Connection = {
  readonly v: 1
  readonly provider: string
  readonly userId: string
  /** Id of the person there. */
  readonly account: string
  readonly scope: readonly string[]
  /** needs_reauth: what is kept is worth nothing any more, and the person must go there anew. */
  readonly state: 'active' | 'needs_reauth'
  /** The tokens, sealed for this instance, record and edition under the ring at-rest. */
  readonly sealed: string
  readonly keyId: string
  /** Counts what was sealed here: an older one put back doesn't open. */
  readonly edition: number
  /** When the access token ends; absent: not known. */
  readonly expiresAt?: EpochSeconds
  readonly createdAt: EpochSeconds
  readonly updatedAt: EpochSeconds
}
