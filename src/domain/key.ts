import type { SigningAlgorithm } from '../protocol/algorithm.ts'
import type { EpochSeconds } from '../protocol/time.ts'

/** The asymmetric rings, by JWS algorithm, and the symmetric ones, by purpose. */
export type SigningRing = `signing-${SigningAlgorithm}`
export type SecretRing = 'token-seal' | 'at-rest' | 'mac' | 'macaroon-root' | 'cookie' | 'cursor'
export type Ring = SigningRing | SecretRing

export type KeyState = 'announced' | 'active' | 'retired'

/** A root key of another server, whose macaroons go on holding here for a while. It verifies and never mints. */
export type ImportedKeyTerms = {
  /** What its macaroons call it. */
  readonly name: string
  /** The one API that they are for. */
  readonly resource: string
  readonly scope: readonly string[]
  readonly notAfter: EpochSeconds
}

/** A key of one ring. Its owner is its ring. */
export type KeyRecord = {
  readonly v: 1
  readonly keyId: string
  readonly ring: Ring
  readonly state: KeyState
  readonly createdAt: EpochSeconds
  /** When an announced key may become active: every cache of the JWKS has seen it by then. */
  readonly activeFrom: EpochSeconds
  readonly retiredAt?: EpochSeconds
  /** When the last thing that it protects has expired. */
  readonly removeAt?: EpochSeconds
  /** Public part as JWK, for signing rings. */
  readonly publicJwk?: Readonly<Record<string, unknown>>
  /** Present in the ring `macaroon-root` alone, on a key that was never ours; its state is `retired` from the beginning. */
  readonly imported?: ImportedKeyTerms
  /** Private or secret part, sealed under the key file or GATEHOUSE_SECRET; base64url. */
  readonly sealed: string
}
