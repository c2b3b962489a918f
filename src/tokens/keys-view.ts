import type { MacKey } from '../crypto/mac.ts'
import type { SigningKey, VerificationKey } from '../crypto/jws.ts'
import type { ImportedKeyTerms, SecretRing } from '../domain/key.ts'
import type { SigningAlgorithm } from '../protocol/algorithm.ts'
import type { RootKey } from './macaroon/root-key.ts'

/** A symmetric key of a ring, by its id. */
export type SecretKey = { readonly keyId: string; readonly key: MacKey }

/** A root key that was brought along from another server, with what its macaroons are good for here. */
export type ImportedKey = ImportedKeyTerms & { readonly rootKey: () => RootKey }

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
  /** The imported root key of this name, until its end. */
  readonly importedKey: (name: string) => ImportedKey | undefined
}
