import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import type { ClaimsRequest } from '../protocol/claims.ts'
import type { AccessTokenFormat } from './resource.ts'

/** Nonce and key id of a credential: enough, with the grant's id and generation, to rebuild it; not enough without the key. */
export type Imprint = { readonly nonce: string; readonly keyId: string }

/** How the person authenticated for this grant. */
export type Authentication = {
  /** Absent: nobody knows when. */
  readonly authTime?: EpochSeconds
  readonly acr: string
  readonly amr: readonly string[]
  readonly sessionId?: string
}

export type CodeState = Imprint & {
  readonly redirectUri: string
  readonly codeChallenge: string
  readonly expiresAt: EpochSeconds
  readonly redeemedAt?: EpochSeconds
  /** Somebody presented it wrongly: it is dead without having been redeemed. */
  readonly burnedAt?: EpochSeconds
}

export type RefreshState = {
  /** 0 for the first refresh token of the grant. */
  readonly generation: number
  readonly current: Imprint
  readonly previous?: Imprint
  /** When `previous` gave way to `current`. */
  readonly rotatedAt?: EpochSeconds
  readonly idleTtl: Seconds
  readonly idleExpiresAt: EpochSeconds
  readonly absoluteExpiresAt: EpochSeconds
  readonly lastUsedAt: EpochSeconds
}

/** What a user let a client do: the authorization itself, from its code to its last refresh token. */
export type Grant = {
  readonly v: 1
  readonly clientId: string
  readonly userId: string
  readonly scope: readonly string[]
  readonly resources: readonly string[]
  /** `<global>.<user>.<client>` when it was given; another one now means that it is dead. */
  readonly epoch: string
  readonly createdAt: EpochSeconds
  readonly authentication: Authentication
  /** OIDC `nonce` for the ID token. */
  readonly nonce?: string
  readonly claims?: ClaimsRequest
  /** Without `offline_access`: when the browser session ends in which it was given, and with it every refresh. */
  readonly endsAt?: EpochSeconds
  readonly code?: CodeState
  readonly refresh?: RefreshState
  readonly deviceName?: string
  /** Of a token that was made without a sign-in: its format. */
  readonly minted?: AccessTokenFormat
  /** The client whose token asked for that one: it ends with the consent to that client. */
  readonly madeThrough?: string
  readonly revokedAt?: EpochSeconds
}
