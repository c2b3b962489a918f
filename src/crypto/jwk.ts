import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningAlgorithm } from '../protocol/algorithm.ts'
import { decodeBase64url } from './encoding.ts'
import type { JwsAlgorithm } from './jws-algorithm.ts'
import type { SigningKey, VerificationKey } from './jws.ts'
import { weakRsaModulus } from './weak-rsa.ts'

/** The public members of a key (RFC 7518 §6, RFC 8037 §2), nothing else. */
export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }

/** A key that isn't good enough, with a sentence for whoever registers it. */
export type JwkRefusal = { readonly refused: string }

export const mostKeys = 20

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * A public JWK that somebody else made, as a verification key; or why not. Certificates and URLs in it are never looked at.
 * RSA has 2048 to 8192 bits; curves are P-256 and Ed25519; `use`, `key_ops` and `alg` must fit if they are there.
 */
export function importPublicJwk(jwk: unknown): VerificationKey | JwkRefusal {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return { refused: 'a key is not a JSON object' }
  const members = new Map<string, unknown>(Object.entries(jwk))
  if (privateMembers.some((name) => members.has(name))) {
    return {
      refused: 'a key holds private members: register its public part alone, and replace it if this one went out',
    }
  }
  const use = members.get('use')
  if (use !== undefined && use !== 'sig') return { refused: 'the use of a key is not "sig"' }
  const operations = members.get('key_ops')
  if (operations !== undefined && !verifies(operations)) return { refused: 'the key_ops of a key lack "verify"' }
  const keyId = members.get('kid')
  if (keyId !== undefined && (typeof keyId !== 'string' || keyId === '' || keyId.length > 256)) {
    return { refused: 'the kid of a key is not a text of 1 to 256 characters' }
  }
  const material = publicMembers(members)
  if ('refused' in material) return material
  const algorithms = algorithmsOf(material, members.get('alg'))
  if (algorithms.length === 0) return { refused: 'the alg of a key does not fit the key' }
  try {
    // OpenSSL checks that a point lies on its curve.
    const publicKey = createPublicKey({ key: { ...material }, format: 'jwk' })
    return { ...(keyId !== undefined && { keyId }), algorithms, publicKey }
  } catch {
    return { refused: 'a key is not a point of its curve' }
  }
}

/** A JWK Set (RFC 7517 §5): 1 to 20 good keys, no `kid` twice. One bad key refuses the set. */
export function importJwkSet(set: unknown): readonly VerificationKey[] | JwkRefusal {
  const keys: unknown = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined
  if (!Array.isArray(keys)) return { refused: 'a JWK Set is a JSON object with the array "keys"' }
  if (keys.length === 0 || keys.length > mostKeys) return { refused: `a JWK Set holds 1 to ${mostKeys} keys` }
  const imported: VerificationKey[] = []
  for (const jwk of keys) {
    const key = importPublicJwk(jwk)
    if ('refused' in key) return key
    if (key.keyId !== undefined && imported.some((other) => other.keyId === key.keyId)) {
      return { refused: 'a kid stands twice in the JWK Set' }
    }
    imported.push(key)
  }
  return imported
}

/** RFC 7517 §4.3: no operation twice, and verifying among them. */
function verifies(operations: unknown): boolean {
  return Array.isArray(operations) && operations.includes('verify') && new Set(operations).size === operations.length
}

function publicMembers(members: ReadonlyMap<string, unknown>): PublicJwk | JwkRefusal {
  const kty = members.get('kty')
  const x = octets(members.get('x'))
  const y = octets(members.get('y'))
  if (kty === 'EC') {
    if (members.get('crv') !== 'P-256') return { refused: 'the curve of an EC key is not P-256' }
    // RFC 7518 §6.2.1.2: full length, leading zeros included
    if (x?.bytes.length !== 32 || y?.bytes.length !== 32)
      return { refused: 'a coordinate of an EC key has not 32 bytes' }
    return { kty, crv: 'P-256', x: x.text, y: y.text }
  }
  if (kty === 'OKP') {
    if (members.get('crv') !== 'Ed25519') return { refused: 'the curve of an OKP key is not Ed25519' }
    if (x?.bytes.length !== 32) return { refused: 'an Ed25519 key has not 32 bytes' }
    return { kty, crv: 'Ed25519', x: x.text }
  }
  if (kty === 'RSA') {
    const n = octets(members.get('n'))
    const e = octets(members.get('e'))
    if (n === undefined || e === undefined) return { refused: 'the modulus or exponent of an RSA key is not base64url' }
    const weakness = weakRsaModulus(n.bytes, e.bytes)
    return weakness === undefined ? { kty, n: n.text, e: e.text } : { refused: weakness }
  }
  return { refused: 'the kty of a key is not EC, OKP or RSA' }
}

function octets(member: unknown): { readonly text: string; readonly bytes: Buffer } | undefined {
  const bytes = typeof member === 'string' ? decodeBase64url(member) : undefined
  return bytes === undefined ? undefined : { text: String(member), bytes }
}

function algorithmsOf(jwk: PublicJwk, named: unknown): readonly JwsAlgorithm[] {
  const fitting: readonly JwsAlgorithm[] =
    jwk.kty === 'EC' ? ['ES256'] : jwk.kty === 'OKP' ? ['EdDSA', 'Ed25519'] : ['RS256', 'PS256']
  if (named === undefined) return fitting
  // Two names of one algorithm: whichever the key bears, its owner's library may sign under the other (RFC 9864 §2.2).
  const sameAlgorithm = jwk.kty === 'OKP' && fitting.some((algorithm) => algorithm === named)
  return sameAlgorithm ? fitting : fitting.filter((algorithm) => algorithm === named)
}

/** The public part of a private key of ours. */
export function publicJwkOf(key: SigningKey): PublicJwk {
  return ownPublicMembers(createPublicKey(key.privateKey))
}

function ownPublicMembers(publicKey: KeyObject): PublicJwk {
  const members = publicMembers(new Map<string, unknown>(Object.entries(publicKey.export({ format: 'jwk' }))))
  if ('refused' in members) throw new Error(`a key of ours is not usable: ${members.refused}`)
  return members
}

const generate = promisify(generateKeyPair)

/** A new key pair, made on libuv's pool: an RSA prime hunt takes up to a second and must not stop the event loop. */
export async function generateSigningPair(
  algorithm: SigningAlgorithm,
): Promise<{ readonly pkcs8: Buffer; readonly publicJwk: PublicJwk }> {
  const { privateKey, publicKey } = await generators[algorithm]()
  return { pkcs8: privateKey.export({ format: 'der', type: 'pkcs8' }), publicJwk: ownPublicMembers(publicKey) }
}

const generators = {
  ES256: () => generate('ec', { namedCurve: 'P-256' }),
  RS256: () => generate('rsa', { modulusLength: 2048, publicExponent: 0x10001 }),
  EdDSA: () => generate('ed25519', {}),
} as const
