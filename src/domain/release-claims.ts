import type { ClaimsRequest } from '../protocol/claims.ts'
import type { User } from './user.ts'

const byScope: Readonly<Record<string, readonly string[]>> = {
  profile: ['name', 'preferred_username', 'updated_at'],
  email: ['email', 'email_verified'],
}

/** Every claim about a person that we can release (OIDC Core §5.1). */
export const supportedClaims: readonly string[] = Object.values(byScope).flat()

/**
 * Claims about the user for a userinfo answer or an ID token: by scope (OIDC Core §5.4) and by single request (§5.5).
 * Names only that stand in the list above, so a request can never reach a protocol claim.
 */
export function releaseClaims(
  user: User,
  scope: readonly string[],
  requested: ClaimsRequest['userinfo'] | undefined,
): Readonly<Record<string, string | number | boolean>> {
  const names = new Set(scope.flatMap((name) => (Object.hasOwn(byScope, name) ? (byScope[name] ?? []) : [])))
  for (const name of Object.keys(requested ?? {})) if (supportedClaims.includes(name)) names.add(name)
  const claims: Record<string, string | number | boolean> = {}
  for (const name of names) {
    const value = claimOf(user, name)
    if (value !== undefined) claims[name] = value
  }
  return claims
}

function claimOf(user: User, name: string): string | number | boolean | undefined {
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
    default:
      return undefined
  }
}
