import { sha256 } from '../crypto/hash.ts'
import type { AccessClaims } from './access-claims.ts'

/** What a token said, and the key that proved it. */
export type Proof<Key extends object> = { readonly keyId: string; readonly key: Key; readonly claims: AccessClaims }

/**
 * Tokens whose signature or seal was found right. The same text under the same key is right for ever, so it is only asked
 * whether the key may still verify; issuer, time, epoch, grant and revocation are everybody's to check each time.
 * Spares whoever asks about the same token again the signature or the seal, which was most of an introspection of a JWT.
 */
export type ProvenTokens<Key extends object> = {
  /** The claims of a text that was proved before, if `keyOf` still gives the very key that did. */
  readonly recall: (text: string, keyOf: (keyId: string) => Key | undefined) => AccessClaims | undefined
  readonly keep: (text: string, proof: Proof<Key>) => void
}

/** Two of these, of at most about 2 KB each. */
const mostPerGeneration = 2048

/** Remembered by their hash: no token is kept, and how long a look takes tells nothing of those that are. */
export function createProvenTokens<Key extends object>(): ProvenTokens<Key> {
  let recent = new Map<string, Proof<Key>>()
  // What wasn't asked for while a whole generation came is forgotten with the next.
  let before = new Map<string, Proof<Key>>()

  function put(digest: string, proof: Proof<Key>): void {
    if (recent.size >= mostPerGeneration) {
      before = recent
      recent = new Map()
    }
    recent.set(digest, proof)
  }

  return {
    recall(text, keyOf) {
      const digest = sha256(text)
      const known = recent.get(digest)
      const proof = known ?? before.get(digest)
      if (proof === undefined || keyOf(proof.keyId) !== proof.key) return undefined
      if (known === undefined) put(digest, proof)
      return proof.claims
    },
    keep: (text, proof) => put(sha256(text), proof),
  }
}
