import { personalClaims, type ClaimsRequest } from '../protocol/claims.ts'
import { countsForAccounts } from '../protocol/scope.ts'
import type { User } from './user.ts'

type Claim = string | number | boolean | readonly string[]

const byScope: Readonly<Record<string, readonly string[]>> = {
  profile: ['name', 'preferred_username', 'updated_at'],
  email: ['email', 'email_verified'],
  roles: ['role', 'bot', 'account_scopes'],
}

/** The scope that tells the same as a claim that is asked for by itself. */
export function scopeOfClaim(name: (typeof personalClaims)[number]): string {
  return name === 'email' || name === 'email_verified' ? 'email' : 'profile'
}

/** Every claim about a person that we can release (OIDC Core §5.1, and what he may do here). */
export const supportedClaims: readonly string[] = Object.values(byScope).flat()

/**
 * Claims about the user for a userinfo answer or an ID token: by scope (OIDC Core §5.4) and by single request (§5.5).
 * A request reaches names of OpenID alone: never a protocol claim, and what he may do only by its scope, which consent shows.
 */
export function releaseClaims(
  user: User,
  scope: readonly string[],
  requested: ClaimsRequest['userinfo'] | undefined,
): Readonly<Record<string, Claim>> {
  const names = new Set(scope.flatMap((name) => (Object.hasOwn(byScope, name) ? (byScope[name] ?? []) : [])))
  for (const name of personalClaims) if (requested?.[name] !== undefined) names.add(name)
  const claims: Record<string, Claim> = {}
  for (const name of names) {
    const value = claimOf(user, name)
    if (value !== undefined) claims[name] = value
  }
  return claims
}

function claimOf(user: User, name: string): Claim | undefined {
  switch (name) {
    case 'name':
      return user.fullName
    case 'preferred_username':
      return user.username
    case 'updated_at':
      return user.updatedAt
    case 'email':
      return user.email
    case 'email_verified':
      return user.email === undefined ? undefined : user.emailVerified
    case 'role':
      return user.role
    case 'bot':
      return user.bot
    case 'account_scopes':
      // Accounts of older versions may have been given powers that no account has by them.
      return user.scopes.filter(countsForAccounts)
    default:
      return undefined
  }
}
