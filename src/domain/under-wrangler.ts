import { lowerRole } from './authority.ts'
import type { User } from './user.ts'

/**
 * A bot as it stands now: with no higher role than the person who answers for it, and locked where nobody who isn't locked
 * answers for it. Asked at each use, so that whoever takes somebody's role away needn't know of his bots.
 */
export function underWrangler(bot: User, wrangler: User | undefined): User {
  if (wrangler === undefined || wrangler.locked) return bot.locked ? bot : { ...bot, locked: true }
  const role = lowerRole(bot.role, wrangler.role)
  return role === bot.role ? bot : { ...bot, role }
}
