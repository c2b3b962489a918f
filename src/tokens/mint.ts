import type { Random } from '../crypto/random.ts'
import type { Seconds } from '../protocol/time.ts'
import { longestMinted, mintAccessMacaroon } from './access-macaroon.ts'
import { harmlessClaims, type AccessClaims } from './access-claims.ts'
import { signIdToken } from './id-token.ts'
import type { Issuance } from './issuance.ts'
import { longestJwt, signAccessJwt } from './jwt.ts'
import type { TokenKeys } from './keys-view.ts'
import { sealAccessToken } from './sealed.ts'
import { longestToken } from './token-text.ts'

/** Keys, and randomness for salts. */
export type MintKeys = TokenKeys & { readonly random: Random }

export type Minted = {
  readonly accessToken: string
  readonly claims: AccessClaims
  readonly expiresIn: Seconds
  readonly idToken?: string
}

/** What was to be said doesn't fit: fewer scopes, resources or claims are the mend. Nothing went out. */
export class TokenTooLarge extends Error {
  constructor(shape: string, length: number, longest: number) {
    super(`the ${shape} would have ${length} characters; ${longest} are allowed`)
    this.name = 'TokenTooLarge'
  }
}

/**
 * The only signer. Changes no state and asks no question: the record of it goes into the commit that the answer waits for.
 * Throws TokenTooLarge.
 */
export function mint(keys: MintKeys, issuance: Issuance): Minted {
  const { issuer, client, subject, now, authentication } = issuance
  const extra = harmlessClaims(issuance.accessClaims)
  const claims: AccessClaims = {
    iss: issuer,
    sub: subject,
    aud: issuance.audience,
    clientId: client.clientId,
    scope: issuance.scope,
    iat: now,
    exp: now + issuance.ttl,
    jti: issuance.jti,
    gid: issuance.grantId,
    epoch: issuance.epoch,
    ...(authentication?.authTime !== undefined && { authTime: authentication.authTime }),
    ...(authentication !== undefined && { acr: authentication.acr }),
    ...(extra !== undefined && { extra }),
  }
  const accessToken = printAccessToken(keys, issuance, claims)
  const minted = { accessToken, claims, expiresIn: issuance.ttl }
  if (issuance.idToken === undefined) return minted
  const idToken = signIdToken(keys.signing(client.idTokenAlgorithm), {
    issuer,
    subject,
    clientId: client.clientId,
    now,
    ttl: issuance.idToken.ttl,
    authentication,
    nonce: issuance.nonce,
    accessToken,
    claims: issuance.idToken.claims,
  })
  return { ...minted, idToken: fitting('ID token', idToken, longestJwt) }
}

function printAccessToken(keys: MintKeys, issuance: Issuance, claims: AccessClaims): string {
  switch (issuance.format) {
    case 'opaque':
      return fitting('opaque access token', sealAccessToken(keys, claims, keys.random), longestToken)
    case 'macaroon':
      return fitting('macaroon', mintAccessMacaroon(keys, claims, issuance), longestMinted)
    case 'jwt':
      return fitting('JWT access token', signAccessJwt(keys.signing('ES256'), claims), longestJwt)
  }
}

function fitting(shape: string, text: string, longest: number): string {
  if (text.length > longest) throw new TokenTooLarge(shape, text.length, longest)
  return text
}
