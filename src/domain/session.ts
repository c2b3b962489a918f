import type { EpochSeconds, Seconds } from '../protocol/time.ts'

/** That a session is over, and by whom. */
export type SessionEnd = {
  readonly at: EpochSeconds
  /** As audit events name whoever acts. */
  readonly actor: string
  readonly address: string
}

/** When somebody proved himself. */
export type ProvedAt = {
  readonly authTime: EpochSeconds
  /** He came back from a provider that doesn't say when he did: `authTime` is when he came, and nothing that others may be told. */
  readonly untold?: true
}

/** A browser in which somebody signed in. The cookie carries id and nonce under a MAC; the record alone opens nothing. */
export type Session = ProvedAt & {
  readonly v: 1
  readonly userId: string
  /** base64url, 16 bytes; half of the cookie's proof. */
  readonly nonce: string
  readonly keyId: string
  readonly acr: string
  readonly amr: readonly string[]
  /** "Remember me": survives the end of the browser. */
  readonly persistent: boolean
  readonly createdAt: EpochSeconds
  readonly lastSeenAt: EpochSeconds
  readonly absoluteExpiresAt: EpochSeconds
  readonly idleTtl: Seconds
  /** Global and user epoch at sign-in; another one now means that the session is over. */
  readonly epoch: string
  /** The first session of a row in which one person proved himself anew; absent in that one. Their grants end together. */
  readonly root?: string
  /** It is over; the record stays only until every grant is that was to live no longer than it. */
  readonly ended?: SessionEnd
  /** Short form of the User-Agent. */
  readonly device: string
}
