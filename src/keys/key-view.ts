import { sha256 } from '../crypto/hash.ts'
import type { SigningKey, VerificationKey } from '../crypto/jws.ts'
import type { KeyRecord, SecretRing } from '../domain/key.ts'
import type { SigningAlgorithm } from '../protocol/algorithm.ts'
import type { ImportedKey, SecretKey } from '../tokens/keys-view.ts'
import type { OpenedKey } from './key-material.ts'

type Dated<K> = { readonly key: K; readonly record: KeyRecord }

/** All keys as they are now, arranged for the questions that every request asks. Never changed, only replaced. */
export type KeyView = {
  readonly keys: readonly OpenedKey[]
  readonly signing: ReadonlyMap<SigningAlgorithm, SigningKey>
  readonly verification: ReadonlyMap<string, Dated<VerificationKey>>
  readonly activeSecrets: ReadonlyMap<SecretRing, SecretKey>
  readonly secrets: ReadonlyMap<SecretRing, ReadonlyMap<string, Dated<SecretKey>>>
  readonly imported: ReadonlyMap<string, Dated<ImportedKey>>
  /** The JWKS as bytes go out: announced, active, and retired keys that are still needed (E12: public members alone). */
  readonly jwks: { readonly body: string; readonly etag: string }
}

export function arrangeKeys(keys: readonly OpenedKey[]): KeyView {
  const signing = new Map<SigningAlgorithm, SigningKey>()
  const verification = new Map<string, Dated<VerificationKey>>()
  const activeSecrets = new Map<SecretRing, SecretKey>()
  const secrets = new Map<SecretRing, Map<string, Dated<SecretKey>>>()
  const imported = new Map<string, Dated<ImportedKey>>()
  for (const key of keys) {
    const { record } = key
    const isActive = record.state === 'active'
    if ('signing' in key) {
      if (isActive) signing.set(key.signing.algorithm, key.signing)
      verification.set(record.keyId, { key: key.verification, record })
    } else if ('imported' in key) {
      imported.set(key.imported.name, { key: key.imported, record })
    } else {
      if (isActive) activeSecrets.set(key.ring, key.secret)
      const ring = secrets.get(key.ring) ?? new Map<string, Dated<SecretKey>>()
      secrets.set(key.ring, ring.set(record.keyId, { key: key.secret, record }))
    }
  }
  return { keys, signing, verification, activeSecrets, secrets, imported, jwks: printJwks(keys) }
}

/** The order is that of ring and number, so the same keys are the same bytes on every node. */
function printJwks(keys: readonly OpenedKey[]): KeyView['jwks'] {
  const body = JSON.stringify({ keys: keys.flatMap((key) => ('jwk' in key ? [key.jwk] : [])) })
  return { body, etag: `"${sha256(body).slice(0, 22)}"` }
}
