import type { Reason } from '../protocol/reasons.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { lifetimes } from './lifetimes.ts'

/** Whose it is. `handle`: nobody's by name; whoever holds the handle may use it. */
export type ConnectionOwner =
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'handle' }

/** Where the credential of a site is kept that has only a login API: one for an account, which each sign-in there replaces. */
export function siteConnectionId(userId: string, provider: string): string {
  return `${userId}:${provider}`
}

type EveryConnection = {
  readonly v: 1
  readonly provider: string
  readonly owner: ConnectionOwner
  /** The client that asked for it on the owner's behalf; each of its fetches needs the owner's consent. */
  readonly clientId?: string
  /** SHA-256 of the handle that fetches from it. */
  readonly handleHash?: string
  /** How many times all connections of its provider had been ended when it was started; absent: never. */
  readonly recallsBefore?: number
  readonly createdAt: EpochSeconds
  readonly updatedAt: EpochSeconds
}

/** Somebody opened the page of a start, and hasn't come back from the provider. It lives as long as the start. */
export type PendingConnection = EveryConnection & {
  readonly state: 'pending'
  /** Wrong user codes so far. */
  readonly attempts: number
  /** SHA-256 of the cookie of the browser that had the right one. */
  readonly browserHash?: string
  /** From where it was started. */
  readonly address: string
  /** Where the person goes on to. */
  readonly returnTo?: string
  /** The connection whose tokens it is to renew. */
  readonly renews?: string
  /** It was begun on the account page. */
  readonly onAccountPage?: true
  readonly endsAt: EpochSeconds
}

/** The person, or the provider, said no; or there were too many wrong codes. */
export type DeniedConnection = EveryConnection & { readonly state: 'denied'; readonly endsAt: EpochSeconds }

/** Disconnected. It stays for a while, so that whoever asks hears it. */
export type RevokedConnection = EveryConnection & {
  readonly state: 'revoked'
  readonly endsAt: EpochSeconds
  /** The end of tokens is an edition too: nothing that was sealed here before is ever the newest again. Absent: it held none. */
  readonly edition?: number
}

/** A refresh that was begun: written before the provider is asked, gone with its outcome. */
export type RefreshIntent = {
  /** Random, of this attempt alone: the fence for what comes of it. */
  readonly attempt: string
  readonly startedAt: EpochSeconds
}

/** Why a refresh gave nothing: no answer came, the provider refused whoever asked (not the token), or its answer was none. */
export type RefreshFailure = {
  readonly reason: Extract<Reason, 'upstream_unavailable' | 'upstream_refused' | 'upstream_malformed'>
  /** `timeout`, `status 503`, `invalid_client`, …; never anything that was sent. */
  readonly why: string
}

/** A code that must come before it may be used: shown to the person, who was somewhere else than whoever started. */
export type Confirmation = {
  /** MAC of the code under this key of the ring mac: the code is short, and stands nowhere. */
  readonly mac: string
  readonly keyId: string
  readonly attempts: number
  readonly until: EpochSeconds
}

/** Tokens of another server, kept for somebody. A site's own credential, from signing in there, is one too. */
export type HeldConnection = EveryConnection & {
  /** needs_reauth: what is kept is worth nothing any more, and the person must go there anew. */
  readonly state: 'active' | 'needs_reauth'
  /** Why it needs that: the provider's error code, `restored`, `expired`. */
  readonly reason?: string
  /** Id of the person there; empty where the provider says nothing about it. */
  readonly account: string
  /** What the tokens are good for, by the provider's last word: a refresh may name less than its person agreed to. */
  readonly scope: readonly string[]
  /** What its person was asked for, and is asked for again. Absent: kept by a release that didn't write it down. */
  readonly asked?: readonly string[]
  /** The tokens, sealed for this instance, record and edition under the ring at-rest. */
  readonly sealed: string
  readonly keyId: string
  /** Grows with whatever is sealed here, and never repeats: an older one put back doesn't open. */
  readonly edition: number
  /** Whether a refresh token is among them. */
  readonly refreshable: boolean
  /** When the access token came, and when it ends; no end: none is known. */
  readonly issuedAt: EpochSeconds
  readonly expiresAt?: EpochSeconds
  readonly intent?: RefreshIntent
  /** The refresh token may have been used up by a refresh whose answer was lost. */
  readonly unsure?: true
  /** Refreshes in a row that came to nothing; when, by the clock of the node that made the last, the next may be tried; how long that is. */
  readonly failures?: number
  readonly retryAt?: EpochSeconds
  readonly pause?: Seconds
  /** What became of the last of them. */
  readonly failure?: RefreshFailure
  readonly confirmation?: Confirmation
  readonly lastUsedAt: EpochSeconds
  /** When the record goes, whoever uses it: a site's credential, with its session. */
  readonly endsAt?: EpochSeconds
}

export type Connection = PendingConnection | DeniedConnection | RevokedConnection | HeldConnection

/** Tokens of a connection that was ended, or that never came to be, to be given back at the provider. */
export type Revocation = {
  readonly v: 1
  readonly provider: string
  /** Only if the connection isn't confirmed by then, and nobody of `owners` has the account connected by another one. */
  readonly unlessConfirmed?: { readonly account: string; readonly owners: readonly string[] }
  /** Sealed once more, for this errand; absent: whoever ended the connection had no key at hand. */
  readonly wrapped?: true
  /** As which they were sealed. */
  readonly connectionId: string
  readonly edition: number
  readonly sealed: string
  readonly keyId: string
  readonly userId?: string
  readonly attempts: number
  /** Not before; while somebody is at it, when somebody else may try. */
  readonly nextAt: EpochSeconds
}

export function isHeld(connection: Connection): connection is HeldConnection {
  return connection.state === 'active' || connection.state === 'needs_reauth'
}

/** Until when the record stays. Nobody's connection dies of not being used; everybody else's lives until it is ended. */
export function connectionExpiry(connection: Connection): EpochSeconds | null {
  if (!isHeld(connection)) return connection.endsAt
  if (connection.confirmation !== undefined) return connection.confirmation.until
  if (connection.endsAt !== undefined) return connection.endsAt
  return connection.owner.kind === 'handle' ? connection.lastUsedAt + lifetimes.connectionIdle : null
}

/** The lists that it stands in. */
export function connectionOwners({ owner, provider }: Pick<Connection, 'owner' | 'provider'>): readonly string[] {
  return [ownerKey(owner), `provider:${provider}`]
}

/**
 * Under which connections of those are listed who may have the same account connected beside: whose a connection is, and who is signed
 * in where it comes to be. Those of handles are nobody's to be named together.
 */
export function besideOwners(owner: ConnectionOwner, userId: string | undefined): readonly string[] {
  const own = owner.kind === 'handle' ? [] : [ownerKey(owner)]
  return [...new Set(userId === undefined ? own : [...own, userId])]
}

/** Under which an owner's connections are listed. No user id holds a colon. */
export function ownerKey(owner: ConnectionOwner): string {
  switch (owner.kind) {
    case 'user':
      return owner.userId
    case 'client':
      return `client:${owner.clientId}`
    case 'handle':
      return 'handle:'
  }
}
