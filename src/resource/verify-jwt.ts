import { parseJws } from '../crypto/jws.ts'
import { untimely } from '../tokens/access-claims.ts'
import { longestJwt, verifyAccessJwt } from '../tokens/jwt.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { Caller, NoCaller } from './caller.ts'
import type { KeySet } from './key-set.ts'

/** Whether a token can only be a JWT, which no other kind of ours looks like. */
export function looksLikeJwt(text: string): boolean {
  return !text.startsWith('gth_') && text.split('.', 4).length === 3
}

/** A JWT access token verified with the server's public keys alone (RFC 9068 §4): type, signature, issuer, time, audience. */
export async function verifyJwt(
  keys: KeySet,
  text: string,
  expected: { readonly issuer: string; readonly resource: string; readonly now: EpochSeconds },
): Promise<Caller | NoCaller> {
  const jws = parseJws(text, longestJwt)
  if ('refused' in jws || jws.keyId === undefined) return { invalid: 'token' }
  const key = await keys.key(jws.keyId)
  if (key === 'unavailable') return { unavailable: true }
  const { keyId } = jws
  const claims = verifyAccessJwt({ verification: (asked) => (asked === keyId ? key : undefined) }, text)
  if ('refused' in claims || untimely(claims, expected) !== undefined) return { invalid: 'token' }
  // C14: a token for another API is none here, whoever signed it.
  if (!claims.aud.includes(expected.resource)) return { invalid: 'token' }
  const username = claims.extra?.['username']
  return {
    subject: claims.sub,
    clientId: claims.clientId,
    scope: claims.scope,
    ...(typeof username === 'string' && { username }),
    ...(claims.authTime !== undefined && { authTime: claims.authTime }),
    ...(claims.acr !== undefined && { acr: claims.acr }),
    expiresAt: claims.exp,
    provedBy: 'jwt',
    claims: { ...claims.extra, jti: claims.jti, iat: claims.iat },
  }
}
