import type { User } from '../domain/user.ts'

/** An account for people who administer, and for itself: never its credentials. */
export function printUser(user: User): Readonly<Record<string, unknown>> {
  return {
    user_id: user.userId,
    username: user.username,
    full_name: user.fullName ?? null,
    email: user.email ?? null,
    email_verified: user.emailVerified,
    language: user.language ?? null,
    role: user.role,
    bot: user.bot,
    wrangler: user.wrangler ?? null,
    scopes: user.scopes,
    locked: user.locked,
    epoch: user.epoch,
    created_at: user.createdAt,
  }
}
