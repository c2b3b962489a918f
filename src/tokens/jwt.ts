import { parseJws, signJws, verifyJws, type JwsRefusal, type SigningKey, type VerificationKey } from '../crypto/jws.ts'
import { parseJsonObject, type JsonObject } from '../crypto/strict-json.ts'
import { parseJwtClaims, printJwtClaims, type AccessClaims } from './access-claims.ts'
import type { TokenKeys } from './keys-view.ts'
import { createProvenTokens } from './proven-tokens.ts'
import { tokenRefusal, type TokenRefusal } from './token-refusal.ts'

/** Longest text of a JWT, in characters: an RS256 signature and a list of claims fit several times over. */
export const longestJwt = 4096

const accessTokenType = 'at+jwt'

/** RFC 9068 §2.1 */
export function signAccessJwt(key: SigningKey, claims: AccessClaims): string {
  return signJws(key, accessTokenType, printJwtClaims(claims))
}

const proven = createProvenTokens<VerificationKey>()

/** Signature, type and the types of all claims; not yet issuer and time. */
export function verifyAccessJwt(keys: Pick<TokenKeys, 'verification'>, text: string): AccessClaims | TokenRefusal {
  if (text.length > longestJwt) return { refused: 'token_malformed' }
  const known = proven.recall(text, keys.verification)
  if (known !== undefined) return known
  const verified = verifyJwt(keys, text, accessTokenType)
  if ('refused' in verified) return tokenRefusal(verified)
  const claims = parseJwtClaims(verified.claims)
  if (claims === undefined) return { refused: 'token_malformed' }
  proven.keep(text, { keyId: verified.keyId, key: verified.key, claims })
  return claims
}

/** A JWT found right, and the key that says so. */
export type VerifiedJwt = { readonly claims: JsonObject; readonly keyId: string; readonly key: VerificationKey }

/**
 * A JWT that one of our keys signed, of exactly one type (RFC 8725 §3.11: an ID token is no access token).
 * The `kid` must be one of ours; nothing else in the header chooses a key.
 */
export function verifyJwt(keys: Pick<TokenKeys, 'verification'>, text: string, type: string): VerifiedJwt | JwsRefusal {
  const jws = parseJws(text, longestJwt)
  if ('refused' in jws) return jws
  if (jws.type !== type) return { refused: 'type' }
  const { keyId } = jws
  const key = keyId === undefined ? undefined : keys.verification(keyId)
  if (keyId === undefined || key === undefined) return { refused: 'key' }
  const payload = verifyJws(jws, key)
  if ('refused' in payload) return payload
  const claims = parseJsonObject(payload)
  return claims === undefined ? { refused: 'malformed' } : { claims, keyId, key }
}
