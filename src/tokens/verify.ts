import type { EpochSeconds } from '../protocol/time.ts'
import { readAccessMacaroon } from './access-macaroon.ts'
import { untimely, type AccessClaims } from './access-claims.ts'
import { verifyAccessJwt } from './jwt.ts'
import type { CaveatContext } from './caveat-context.ts'
import type { TokenKeys } from './keys-view.ts'
import { isMacaroonText } from './macaroon-text.ts'
import { openAccessToken } from './sealed.ts'
import type { TokenRefusal } from './token-refusal.ts'
import { isTokenText } from './token-text.ts'

export type Expected = {
  readonly issuer: string
  readonly now: EpochSeconds
  /** The call that a macaroon's contextual caveats are measured by. `any`: whoever revokes it need not meet them. */
  readonly context?: CaveatContext | 'any'
}

/**
 * An access token of any format, proved by itself: signature or seal, type, claims, issuer, time. What only the store knows
 * (epoch, revocation, audience asked for) comes after. A code, refresh token, session handle or ID token is none (C13, E10).
 */
export function verifyAccess(
  keys: Pick<TokenKeys, 'verification' | 'secretById' | 'importedKey'>,
  text: string,
  expected: Expected,
): AccessClaims | TokenRefusal {
  const claims = claimsOf(keys, text, expected)
  if ('refused' in claims) return claims
  return untimely(claims, expected) ?? claims
}

function claimsOf(
  keys: Pick<TokenKeys, 'verification' | 'secretById' | 'importedKey'>,
  text: string,
  { issuer, now, context = {} }: Expected,
): AccessClaims | TokenRefusal {
  if (text.startsWith('gth_at_')) return openAccessToken(keys, text)
  if (isMacaroonText(text)) return readAccessMacaroon(keys, text, { issuer, now, context })
  if (isTokenText(text)) return { refused: 'token_type' }
  return verifyAccessJwt(keys, text)
}
