import type { AssertionAlgorithm, SigningAlgorithm } from '../protocol/algorithm.ts'
import type { LegacySwitch } from '../protocol/client-metadata.ts'
import type { GrantType } from '../protocol/grant-type.ts'
import type { PublicJwk } from '../protocol/public-jwks.ts'
import type { EpochSeconds } from '../protocol/time.ts'

/** SHA-256 of a secret that has at least 256 bits, base64url. */
export type SecretHash = {
  readonly hash: string
  readonly createdAt: EpochSeconds
  readonly expiresAt?: EpochSeconds
  /** The secret itself under the key outside the store, for methods that compute with it. Their secret never travels. */
  readonly sealed?: string
}

/** How a client proves who it is. A public client is the one whose method is `none`: there is no other flag. */
export type ClientAuthentication =
  | { readonly method: 'none' }
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post' | 'client_secret_jwt'
      readonly secrets: readonly SecretHash[]
    }
  | ({
      readonly method: 'http_message_signature'
      readonly requireOneTimeCode: boolean
      /** The secret of its one-time codes, sealed. */
      readonly oneTimeCode?: string
    } & ({ readonly secrets: readonly SecretHash[] } | { readonly keys: readonly PublicJwk[] }))
  | {
      readonly method: 'private_key_jwt'
      readonly keys: readonly PublicJwk[]
      readonly algorithm?: AssertionAlgorithm
    }

/** Who wrote the record: entries of the configuration file are read-only for everybody else. */
export type ManagedBy = 'file' | 'administrator'

/** An OAuth client (RFC 6749 §2; metadata of RFC 7591 in our names). */
export type Client = {
  readonly v: 1
  readonly clientId: string
  readonly name?: string
  readonly uri?: string
  readonly logoUri?: string
  readonly policyUri?: string
  readonly tosUri?: string
  readonly authentication: ClientAuthentication
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly grantTypes: readonly GrantType[]
  /** The most it may ask for. */
  readonly scope: readonly string[]
  /** Resource identifiers it may name; absent: every resource. */
  readonly resources?: readonly string[]
  readonly idTokenAlgorithm: SigningAlgorithm
  readonly legacy: readonly LegacySwitch[]
  /** Works only from a loopback peer to a loopback listener. */
  readonly loopbackOnly: boolean
  /** Nobody gets a token for it who hasn't shown a second factor. */
  readonly requireSecondFactor?: true
  readonly epoch: number
  readonly managedBy: ManagedBy
  /** An entry that left the configuration file, or that an administrator switched off. */
  readonly disabled: boolean
  readonly createdAt: EpochSeconds
  readonly updatedAt: EpochSeconds
  /** A tombstone: whoever knew the id must never meet somebody else under it. Always `disabled` too. */
  readonly deletedAt?: EpochSeconds
}
