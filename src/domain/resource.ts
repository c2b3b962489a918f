import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import type { ManagedBy } from './client.ts'

export type AccessTokenFormat = 'jwt' | 'opaque' | 'macaroon'

/** An API that takes our access tokens (RFC 8707). Its id is its identifier. */
export type Resource = {
  readonly v: 1
  readonly resource: string
  readonly name?: string
  readonly scope: readonly string[]
  /** Those of them that a token for a person has only if his account holds them. */
  readonly heldScopes?: readonly string[]
  /** In its owner's words, for the consent page. */
  readonly scopeDescriptions?: Readonly<Record<string, string>>
  readonly accessToken: {
    readonly format: AccessTokenFormat
    readonly ttl: Seconds
    /** Claims about the user that this API asked for, beyond the standard ones. */
    readonly claims: readonly string[]
  }
  readonly introspectionClients: readonly string[]
  readonly managedBy: ManagedBy
  readonly disabled: boolean
  readonly createdAt: EpochSeconds
  readonly updatedAt: EpochSeconds
}
