import { lowerRole } from './authority.ts'
import type { User } from './user.ts'

/**
 * A bot as it stands now: with no higher role than the person who answers for it, locked where nobody who isn't locked answers for
 * it, and of an epoch in which he was neither locked nor put down since. Asked at each use, so that whoever takes somebody's role
 * away needn't know of his bots. A person stands for himself.
 */
export function underWrangler(user: User, wrangler: User | undefined): User {
  if (!user.bot) return user
  if (wrangler === undefined) return { ...user, locked: true }
  return {
    ...user,
    role: lowerRole(user.role, wrangler.role),
    locked: user.locked || wrangler.locked,
    // Both are milliseconds of one clock, which never runs backwards: what he lost is younger than every token from before it.
    epoch: Math.max(user.epoch, wrangler.botsEpoch ?? 0),
  }
}
