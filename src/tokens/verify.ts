import type { EpochSeconds } from '../protocol/time.ts'
import { untimely, type AccessClaims } from './access-claims.ts'
import { verifyAccessJwt } from './jwt.ts'
import type { TokenKeys } from './keys-view.ts'
import { openAccessToken } from './sealed.ts'
import type { TokenRefusal } from './token-refusal.ts'
import { isTokenText } from './token-text.ts'

/**
 * An access token of any format, proved by itself: signature or seal, type, claims, issuer, time. What only the store knows
 * (epoch, revocation, audience asked for) comes after. A code, refresh token, session handle or ID token is none (C13, E10).
 */
export function verifyAccess(
  keys: Pick<TokenKeys, 'verification' | 'secretById'>,
  text: string,
  expected: { readonly issuer: string; readonly now: EpochSeconds },
): AccessClaims | TokenRefusal {
  const claims = claimsOf(keys, text)
  if ('refused' in claims) return claims
  return untimely(claims, expected) ?? claims
}

function claimsOf(keys: Pick<TokenKeys, 'verification' | 'secretById'>, text: string): AccessClaims | TokenRefusal {
  if (text.startsWith('gth_at_')) return openAccessToken(keys, text)
  if (isTokenText(text)) return { refused: 'token_type' }
  return verifyAccessJwt(keys, text)
}
