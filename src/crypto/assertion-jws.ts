import { secretAssertionAlgorithm, type AssertionAlgorithm } from '../protocol/algorithm.ts'
import { equal } from './equal.ts'
import { hmacSha256 } from './mac.ts'
import { importPublicJwk } from './jwk.ts'
import { parseJws, verifyJws, type JwsRefusal, type VerificationKey } from './jws.ts'
import { parseJsonObject, type JsonObject } from './strict-json.ts'

const longestAssertion = 8192

/** A client's assertion after its signature was found right. `type` is its `typ` in lower case, empty if it has none. */
export type VerifiedAssertion = { readonly type: string; readonly claims: JsonObject }

/** What an assertion says before anybody checked it: good for finding the client whose keys decide, and for nothing else. */
export function unverifiedClaims(text: string): JsonObject | undefined {
  const jws = parseJws(text, longestAssertion)
  return 'refused' in jws ? undefined : parseJsonObject(jws.unverifiedPayload)
}

/**
 * A JWS signed by a client (RFC 7523 §3) against its registered public JWKs. A `kid` chooses among them; without one each
 * fitting key is tried. `algorithm` is the only one that the client registered, if it did.
 */
export function verifyAssertion(
  text: string,
  client: {
    readonly keys: readonly Readonly<Record<string, unknown>>[]
    readonly algorithm?: AssertionAlgorithm | undefined
  },
): VerifiedAssertion | JwsRefusal {
  const jws = parseJws(text, longestAssertion)
  if ('refused' in jws) return jws
  if (client.algorithm !== undefined && oneName(client.algorithm) !== oneName(jws.algorithm))
    return { refused: 'algorithm' }
  const registered = client.keys.flatMap((jwk) => imported(jwk) ?? [])
  const named = registered.filter(
    (key) => jws.keyId === undefined || key.keyId === undefined || key.keyId === jws.keyId,
  )
  if (named.length === 0) return { refused: 'key' }
  const fitting = named.filter((key) => key.algorithms.some((algorithm) => algorithm === jws.algorithm))
  if (fitting.length === 0) return { refused: 'algorithm' }
  for (const key of fitting) {
    const payload = verifyJws(jws, key)
    if ('refused' in payload) continue
    const claims = parseJsonObject(payload)
    return claims === undefined ? { refused: 'malformed' } : { type: jws.type, claims }
  }
  return { refused: 'signature' }
}

/**
 * A JWS MACed with one of a client's secrets, which have 256 random bits (RFC 7518 §3.2). This is the only place that knows HMAC
 * for JWS: no list of algorithms holds both kinds, so a header can't turn a public key into a secret (RFC 8725 §2.1).
 */
export function verifySecretAssertion(text: string, secrets: readonly Uint8Array[]): VerifiedAssertion | JwsRefusal {
  const jws = parseJws(text, longestAssertion)
  if ('refused' in jws) return jws
  if (jws.algorithm !== secretAssertionAlgorithm) return { refused: 'algorithm' }
  let right = false
  for (const secret of secrets) right = equal(hmacSha256(secret, jws.signingInput), jws.signature) || right
  if (!right) return { refused: 'signature' }
  const claims = parseJsonObject(jws.unverifiedPayload)
  return claims === undefined ? { refused: 'malformed' } : { type: jws.type, claims }
}

/** RFC 9864 §2.2 gave EdDSA on Ed25519 a second name. */
const oneName = (algorithm: string): string => (algorithm === 'Ed25519' ? 'EdDSA' : algorithm)

// Client records are kept in memory, so each of their keys is imported once and forgotten with its record.
const importedKeys = new WeakMap<object, VerificationKey | undefined>()

/** A key that was good enough when it was registered may not be any more: then it is none. */
function imported(jwk: Readonly<Record<string, unknown>>): VerificationKey | undefined {
  if (importedKeys.has(jwk)) return importedKeys.get(jwk)
  const key = importPublicJwk(jwk)
  importedKeys.set(jwk, 'refused' in key ? undefined : key)
  return importedKeys.get(jwk)
}
