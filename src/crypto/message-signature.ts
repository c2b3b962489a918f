import { createPrivateKey, sign } from 'node:crypto'
import type { MessageSignatureAlgorithm } from '../protocol/message-signature.ts'
import { equal } from './equal.ts'
import { importPublicJwk } from './jwk.ts'
import { signBytes, verifyBytes, type JwsAlgorithm } from './jws-algorithm.ts'
import { hmacSha256 } from './mac.ts'

/** What verifies a message signature: a shared secret, or a public JWK that was good enough to register. */
export type MessageVerificationKey =
  { readonly secret: Uint8Array } | { readonly jwk: Readonly<Record<string, unknown>> }

/** RFC 9421 §3.3.4 to §3.3.6 beside the names that JWS has for the same signatures. */
const ofJws: Partial<Readonly<Record<JwsAlgorithm, MessageSignatureAlgorithm>>> = {
  ES256: 'ecdsa-p256-sha256',
  EdDSA: 'ed25519',
}

/** Whether one of the keys made this signature over this base. The key says which algorithm; a named one must be that. */
export function verifyMessageSignature(
  keys: readonly MessageVerificationKey[],
  {
    base,
    signature,
    algorithm,
  }: { readonly base: string; readonly signature: string; readonly algorithm?: string | undefined },
): boolean {
  const input = Buffer.from(base, 'latin1')
  const bytes = Buffer.from(signature, 'base64')
  let right = false
  for (const key of keys) right = verifies(key, { input, bytes, algorithm }) || right
  return right
}

function verifies(
  key: MessageVerificationKey,
  {
    input,
    bytes,
    algorithm,
  }: { readonly input: Buffer; readonly bytes: Buffer; readonly algorithm: string | undefined },
): boolean {
  if ('secret' in key) {
    return (algorithm === undefined || algorithm === 'hmac-sha256') && equal(hmacSha256(key.secret, input), bytes)
  }
  const imported = importPublicJwk(key.jwk)
  if ('refused' in imported) return false
  const fitting = imported.algorithms.find((name) => ofJws[name] !== undefined)
  if (fitting === undefined || (algorithm !== undefined && algorithm !== ofJws[fitting])) return false
  return verifyBytes(fitting, imported.publicKey, { input, signature: bytes })
}

/** What signs a message: a shared secret, or a private key as PEM or JWK (Ed25519 or P-256). */
export type MessageSigningKey =
  { readonly secret: string } | { readonly privateKey: string | Readonly<Record<string, unknown>> }

/** The signature over a base, as base64 and with the algorithm that the key has. Throws for a key that has none of ours. */
export function signMessage(key: MessageSigningKey, base: string): string {
  const input = Buffer.from(base, 'latin1')
  if ('secret' in key) return hmacSha256(Buffer.from(key.secret, 'utf8'), input).toString('base64')
  const { privateKey: given } = key
  const privateKey = createPrivateKey(typeof given === 'string' ? given : { key: { ...given }, format: 'jwk' })
  if (privateKey.asymmetricKeyType === 'ed25519') return sign(null, input, privateKey).toString('base64')
  if (privateKey.asymmetricKeyType !== 'ec' || privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new TypeError('a request is signed with a secret, an Ed25519 key or a P-256 key')
  return signBytes('ES256', privateKey, input).toString('base64')
}
