import type { EpochSeconds, Seconds } from '../protocol/time.ts'

/** What somebody signs in for: a parked request, or a page of ours, sealed. Neither: his account. */
export type Errand = {
  readonly interaction?: string
  readonly next?: { readonly sealed: string; readonly keyId: string }
}

/** What the person is sent to a provider for; the callback goes on from here. */
export type FlowPurpose =
  /** To sign in. */
  | ({ readonly for: 'sign-in' } & Errand)
  /** To add an identity to an account, in the session that asked. */
  | { readonly for: 'link'; readonly userId: string; readonly sessionId: string }
  /** To make or renew a connection of the vault. */
  | { readonly for: 'connect'; readonly connection: string }

/**
 * A browser on its way to a provider and back. Its id is the hash of the state, so that the record opens nothing;
 * verifier and nonce are made from the state with a key of the ring, and stand nowhere.
 */
export type Flow = {
  readonly v: 1
  readonly provider: string
  readonly purpose: FlowPurpose
  /** SHA-256 of the browser cookie. */
  readonly browserHash: string
  /** Of the `mac` ring. */
  readonly keyId: string
  /** As it was sent, and must be sent again with the code. */
  readonly redirectUri: string
  readonly scope: readonly string[]
  readonly createdAt: EpochSeconds
  /** A sign-in there no older than this was asked for; 0: a new one. */
  readonly maxAge?: Seconds
}
