import type { JsonObject } from '../crypto/strict-json.ts'
import type { Client } from '../domain/client.ts'
import type { Authentication } from '../domain/grant.ts'
import type { AccessTokenFormat } from '../domain/resource.ts'
import type { SignInPromise } from '../domain/sign-in-promise.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'

/** Everything that was decided about the tokens of one answer. Whoever fills this has asked every question before. */
export type Issuance = {
  readonly issuer: string
  readonly client: Pick<Client, 'clientId' | 'idTokenAlgorithm'>
  /** User id, or the client's own id if it acts for itself. */
  readonly subject: string
  readonly scope: readonly string[]
  readonly audience: readonly string[]
  readonly format: AccessTokenFormat
  /** Of a macaroon: what narrows it from the beginning. */
  readonly attenuations?: readonly string[] | undefined
  /** Of a macaroon: sign-ins of its user that must be confirmed beside it. */
  readonly promises?: readonly Omit<SignInPromise, 'userId'>[] | undefined
  readonly ttl: Seconds
  readonly now: EpochSeconds
  readonly jti: string
  readonly grantId: string
  /** `<global>.<user or ->.<client>` */
  readonly epoch: string
  readonly authentication?: Authentication | undefined
  /** OIDC `nonce` of the authorization request. */
  readonly nonce?: string | undefined
  /** What the resource opted in to, beyond the claims of every access token. */
  readonly accessClaims?: JsonObject | undefined
  /** Present: an ID token goes out too, with these claims about the person. */
  readonly idToken?: { readonly ttl: Seconds; readonly claims: JsonObject } | undefined
}
