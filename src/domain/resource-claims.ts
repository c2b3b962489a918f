import type { Resource } from './resource.ts'
import type { User } from './user.ts'

export type ResourceClaims = Readonly<Record<string, string | boolean>>

/**
 * Claims that an API asks for in its record (`access_token.claims`), and that somebody has: in every token for it that speaks for
 * him, however it was made. This server asks for none.
 */
export function resourceClaims(user: User, resource: Resource | undefined): ResourceClaims {
  const wanted = resource?.accessToken.claims ?? []
  return {
    ...(wanted.includes('username') && { username: user.username }),
    ...(wanted.includes('role') && { role: user.role }),
    ...(wanted.includes('bot') && { bot: user.bot }),
    ...(wanted.includes('name') && user.fullName !== undefined && { name: user.fullName }),
    ...(wanted.includes('email') && user.email !== undefined && user.emailVerified && { email: user.email }),
  }
}
