import { generateSigningPair, importPublicJwk, publicJwkOf, type PublicJwk } from '../crypto/jwk.ts'
import { signingKey, type SigningKey, type VerificationKey } from '../crypto/jws.ts'
import { macKey } from '../crypto/mac.ts'
import type { Random } from '../crypto/random.ts'
import { thumbprint } from '../crypto/thumbprint.ts'
import type { KeyRecord, Ring, SecretRing } from '../domain/key.ts'
import type { MadeKey } from '../domain/key-lifecycle.ts'
import type { Ref } from '../domain/record.ts'
import type { SigningAlgorithm } from '../protocol/algorithm.ts'
import type { ImportedKey, SecretKey } from '../tokens/keys-view.ts'
import { rawRootKey } from '../tokens/macaroon/root-key.ts'
import type { Protection } from './protection.ts'

/** A public key as the JWKS shows it (RFC 7517 §4). */
export type PublishedJwk = PublicJwk & {
  readonly kid: string
  readonly use: 'sig'
  readonly alg: SigningAlgorithm
}

/** A key taken out of its record and ready for use. */
export type OpenedKey = { readonly record: KeyRecord; readonly recordId: string } & (
  | { readonly signing: SigningKey; readonly verification: VerificationKey; readonly jwk: PublishedJwk }
  | { readonly secret: SecretKey; readonly ring: SecretRing }
  | { readonly imported: ImportedKey }
)

const signingPrefix = 'signing-'
const secretBytes = 32
const secretIdBytes = 6

/** New material for the place `target` of a ring, sealed for that place alone. RSA is made off the event loop. */
export async function makeKey(
  ring: Ring,
  target: Ref<'key'>,
  context: { readonly protection: Protection; readonly random: Random },
): Promise<MadeKey> {
  const { protection, random } = context
  if (isSecretRing(ring)) {
    const keyId = Buffer.from(random.bytes(secretIdBytes)).toString('hex')
    return { ring, keyId, sealed: protection.seal('key', target.id, random.bytes(secretBytes)) }
  }
  const algorithm = algorithmOf(ring)
  const { pkcs8, publicJwk } = await generateSigningPair(algorithm)
  const keyId = await thumbprint(publicJwk)
  const sealed = protection.seal('key', target.id, pkcs8)
  return { ring, keyId, publicJwk: published(publicJwk, keyId, algorithm), sealed }
}

/**
 * The key in a record. Its public part comes from the sealed private one, so that whoever can write to the store
 * can't slip in a public key of his own. Throws ProtectionFailed.
 */
export function openKey(recordId: string, record: KeyRecord, protection: Protection): OpenedKey {
  const material = protection.open('key', recordId, record.sealed)
  const { keyId, ring, imported } = record
  // A copy: what the seal opened may lie in memory that is used again.
  if (imported !== undefined) {
    const rootKey = rawRootKey(Uint8Array.from(material))
    return { record, recordId, imported: { ...imported, rootKey: () => rootKey } }
  }
  if (isSecretRing(ring)) return { record, recordId, ring, secret: { keyId, key: macKey(material) } }
  const algorithm = algorithmOf(ring)
  const signing = signingKey(keyId, algorithm, material)
  const jwk = published(publicJwkOf(signing), keyId, algorithm)
  const verification = importPublicJwk(jwk)
  if ('refused' in verification) throw new Error(`the key ${recordId} can't be used: ${verification.refused}`)
  return { record, recordId, signing, verification, jwk }
}

function published(jwk: PublicJwk, kid: string, alg: SigningAlgorithm): PublishedJwk {
  return { ...jwk, kid, use: 'sig', alg }
}

function isSecretRing(ring: Ring): ring is SecretRing {
  return !ring.startsWith(signingPrefix)
}

function algorithmOf(ring: Exclude<Ring, SecretRing>): SigningAlgorithm {
  return ring.slice(signingPrefix.length) as SigningAlgorithm
}
