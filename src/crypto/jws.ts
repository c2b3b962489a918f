import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { SigningAlgorithm } from '../protocol/algorithm.ts'
import { decodeBase64url, encodeTextBase64url } from './encoding.ts'
import { signBytes, verifyBytes, type JwsAlgorithm } from './jws-algorithm.ts'
import { parseJsonObject } from './strict-json.ts'

/** A private key ready to sign: parsed once, its protected headers encoded once. */
export type SigningKey = {
  readonly keyId: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
  /** Encoded protected header by `typ`. */
  readonly headers: Map<string, string>
}

/** A public key and the algorithms that it may be used with; a header can only choose among them (RFC 8725 §3.1). */
export type VerificationKey = {
  readonly keyId?: string
  readonly algorithms: readonly JwsAlgorithm[]
  readonly publicKey: KeyObject
}

export function signingKey(keyId: string, algorithm: SigningAlgorithm, pkcs8: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  return { keyId, algorithm, privateKey, headers: new Map() }
}

/** A compact JWS (RFC 7515 §7.1) over a JSON text, with the header `{alg, typ, kid}`. */
export function signJws(key: SigningKey, typ: string, payload: string): string {
  const input = `${headerOf(key, typ)}.${encodeTextBase64url(payload)}`
  return `${input}.${signBytes(key.algorithm, key.privateKey, Buffer.from(input, 'latin1')).toString('base64url')}`
}

function headerOf(key: SigningKey, typ: string): string {
  const known = key.headers.get(typ)
  if (known !== undefined) return known
  const header = encodeTextBase64url(JSON.stringify({ alg: key.algorithm, typ, kid: key.keyId }))
  key.headers.set(typ, header)
  return header
}

/** Why a JWS isn't accepted: shape, wrong `typ`, algorithm that its key doesn't have, no such key, wrong signature. */
export type JwsRefusal = { readonly refused: 'malformed' | 'type' | 'algorithm' | 'key' | 'signature' }

/** A compact JWS taken apart. Nothing in it is true before `verifyJws` said so. */
export type ParsedJws = {
  readonly algorithm: string
  readonly keyId?: string
  /** `typ` in lower case without `application/` (RFC 7515 §4.1.9), empty if there was none. */
  readonly type: string
  readonly unverifiedPayload: Buffer
  readonly signingInput: Buffer
  readonly signature: Buffer
}

const compact = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]+)$/
const longestHeaderValue = 256

/**
 * Take a compact JWS apart, strictly: three canonical base64url segments, a header that is one JSON object without
 * repeated members, nothing critical, nothing unencoded (RFC 7515 §4.1.11, RFC 7797), no JWE, no compression.
 * `jku`, `jwk`, `x5u` and `x5c` are never looked at.
 */
export function parseJws(text: string, maxLength: number): ParsedJws | JwsRefusal {
  if (text.length > maxLength) return malformed
  const [, encodedHeader = '', encodedPayload = '', encodedSignature = ''] = compact.exec(text) ?? []
  const headerBytes = decodeBase64url(encodedHeader)
  const unverifiedPayload = decodeBase64url(encodedPayload)
  const signature = decodeBase64url(encodedSignature)
  if (headerBytes === undefined || unverifiedPayload === undefined || signature === undefined) return malformed
  const header = parseJsonObject(headerBytes)
  if (header === undefined || typeof header['alg'] !== 'string') return malformed
  if (['crit', 'b64', 'enc', 'zip'].some((name) => Object.hasOwn(header, name))) return malformed
  const keyId = header['kid']
  const typ = header['typ'] ?? ''
  if (keyId !== undefined && (typeof keyId !== 'string' || keyId.length > longestHeaderValue)) return malformed
  if (typeof typ !== 'string' || typ.length > longestHeaderValue) return malformed
  return {
    algorithm: header['alg'],
    ...(keyId !== undefined && { keyId }),
    type: typ.toLowerCase().replace(/^application\//, ''),
    unverifiedPayload,
    signingInput: Buffer.from(text.slice(0, encodedHeader.length + 1 + encodedPayload.length), 'latin1'),
    signature,
  }
}

const malformed: JwsRefusal = { refused: 'malformed' }

/** The payload, now true, or why it isn't. The key decides on the algorithm, not the header. */
export function verifyJws(jws: ParsedJws, key: VerificationKey): Buffer | JwsRefusal {
  const algorithm = key.algorithms.find((allowed) => allowed === jws.algorithm)
  if (algorithm === undefined) return { refused: 'algorithm' }
  if (!verifyBytes(algorithm, key.publicKey, { input: jws.signingInput, signature: jws.signature }))
    return { refused: 'signature' }
  return jws.unverifiedPayload
}
