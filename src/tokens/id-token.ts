import { leftHalfHash } from '../crypto/hash.ts'
import { signJws, type SigningKey } from '../crypto/jws.ts'
import type { JsonObject } from '../crypto/strict-json.ts'
import type { Authentication } from '../domain/grant.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { isTime } from './access-claims.ts'
import { verifyJwt } from './jwt.ts'
import type { TokenKeys } from './keys-view.ts'
import { tokenRefusal, type TokenRefusal } from './token-refusal.ts'

/** What an ID token is made of (OIDC Core §2). */
export type IdTokenParts = {
  readonly issuer: string
  readonly subject: string
  readonly clientId: string
  readonly now: EpochSeconds
  readonly ttl: Seconds
  readonly authentication?: Authentication | undefined
  readonly nonce?: string | undefined
  /** The access token that goes out beside it. */
  readonly accessToken?: string | undefined
  /** Claims about the person. */
  readonly claims: JsonObject
}

const type = 'JWT'

export function signIdToken(key: SigningKey, parts: IdTokenParts): string {
  const { authentication, accessToken } = parts
  return signJws(
    key,
    type,
    JSON.stringify({
      ...parts.claims,
      // Last, so that no claim about the person ever stands in for one of these (B31).
      iss: parts.issuer,
      sub: parts.subject,
      aud: parts.clientId,
      azp: undefined,
      iat: parts.now,
      exp: parts.now + parts.ttl,
      nbf: undefined,
      jti: undefined,
      nonce: parts.nonce,
      auth_time: authentication?.authTime,
      acr: authentication?.acr,
      amr: authentication?.amr,
      sid: authentication?.sessionId,
      at_hash: accessToken === undefined ? undefined : leftHalfHash(key.algorithm, accessToken),
      c_hash: undefined,
      cnf: undefined,
    }),
  )
}

/** What an ID token that comes back as a hint proves. */
export type IdTokenHint = {
  readonly subject: string
  readonly clientId: string
  readonly sessionId?: string
  readonly expired: boolean
}

/**
 * An `id_token_hint` (OIDC Core §3.1.2.1, RP-Initiated Logout §2): ours, an ID token and nothing else. It may have expired,
 * since it is used after the sign-in that it tells of; it opens nothing.
 */
export function verifyIdTokenHint(
  keys: Pick<TokenKeys, 'verification'>,
  text: string,
  expected: { readonly issuer: string; readonly now: EpochSeconds },
): IdTokenHint | TokenRefusal {
  const verified = verifyJwt(keys, text, type.toLowerCase())
  if ('refused' in verified) return tokenRefusal(verified)
  const { iss, sub, aud, exp, iat, sid } = verified.claims
  if (iss !== expected.issuer || typeof sub !== 'string' || typeof aud !== 'string' || !isTime(exp) || !isTime(iat)) {
    return { refused: 'token_malformed' }
  }
  if (sid !== undefined && typeof sid !== 'string') return { refused: 'token_malformed' }
  return { subject: sub, clientId: aud, ...(sid !== undefined && { sessionId: sid }), expired: exp <= expected.now }
}
