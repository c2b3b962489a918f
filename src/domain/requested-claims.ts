import { personalClaims, type ClaimsRequest } from '../protocol/claims.ts'
import { scopeOfClaim } from './release-claims.ts'

type PersonalClaim = (typeof personalClaims)[number]

/** Claims about the person that a request names one by one (OIDC Core §5.5). Those about the sign-in stand in every ID token, and are nobody's to allow. */
export function requestedClaims(claims: ClaimsRequest | undefined): readonly PersonalClaim[] {
  if (claims === undefined) return []
  const { idToken, userinfo } = claims
  return personalClaims.filter((name) => Object.hasOwn(idToken, name) || Object.hasOwn(userinfo, name))
}

/** The scopes that say in words what these claims tell. */
export function scopesOfClaims(claims: ClaimsRequest | undefined): readonly string[] {
  return [...new Set(requestedClaims(claims).map(scopeOfClaim))]
}

/** What is left of a request where only these scopes may be told of: claims about the person are worth what their scope is. */
export function claimsWithin(claims: ClaimsRequest, scopes: readonly string[]): ClaimsRequest {
  const left = new Set(requestedClaims(claims).filter((name) => !scopes.includes(scopeOfClaim(name))) as string[])
  const within = (member: ClaimsRequest['userinfo']) =>
    Object.fromEntries(Object.entries(member).filter(([name]) => !left.has(name)))
  return { idToken: within(claims.idToken), userinfo: within(claims.userinfo) }
}
