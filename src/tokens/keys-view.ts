import type { MacKey } from '../crypto/mac.ts'
import type { SigningKey, VerificationKey } from '../crypto/jws.ts'
import type { SecretRing } from '../domain/key.ts'
import type { SigningAlgorithm } from '../protocol/algorithm.ts'

/** A symmetric key of a ring, by its id. */
export type SecretKey = { readonly keyId: string; readonly key: MacKey }

/** What tokens need of the rings. Answers from memory. */
export type TokenKeys = {
  /** The active key of a signing ring. */
  readonly signing: (algorithm: SigningAlgorithm) => SigningKey
  /** The public key with this id, if it may verify now. */
  readonly verification: (keyId: string) => VerificationKey | undefined
  /** The active key of a symmetric ring. */
  readonly secret: (ring: SecretRing) => SecretKey
  /** The key of this ring with this id, if it may verify now. */
  readonly secretById: (ring: SecretRing, keyId: string) => SecretKey | undefined
}
