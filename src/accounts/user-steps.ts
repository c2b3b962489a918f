import { reachesRole } from '../domain/authority.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import type { Role, User } from '../domain/user.ts'

/** Null takes the value away; absent leaves it. */
export type Profile = { readonly fullName?: string | null; readonly email?: string | null }

// What each change makes of an account; the very same account where there is nothing to change. Whether it may be is asked elsewhere.

/** Tokens made under a higher role die with it, those of his bots too; a higher role needs new ones anyway. */
export function withRole(user: User, role: Role, nowMillis: number): User {
  if (user.role === role) return user
  const after = { ...user, role, epoch: bumpedEpoch(user.epoch, nowMillis) }
  return reachesRole(role, user.role) ? after : withoutBots(after, nowMillis)
}

/** Any other set of scopes ends the account's tokens: each says what was true of its person when it was made. */
export function withScopes(user: User, wanted: readonly string[], nowMillis: number): User {
  const scopes = [...new Set(wanted)]
  const same = user.scopes.length === scopes.length && user.scopes.every((scope) => scopes.includes(scope))
  return same ? user : { ...user, scopes, epoch: bumpedEpoch(user.epoch, nowMillis) }
}

/** Locking ends every session and token, those of his bots too; unlocking brings none back. */
export function withLocked(user: User, locked: boolean, nowMillis: number): User {
  if (user.locked === locked) return user
  if (!locked) return { ...user, locked }
  return withoutBots({ ...user, locked, epoch: bumpedEpoch(user.epoch, nowMillis) }, nowMillis)
}

/** Every token that his bots have is dead, however many they are (`domain/under-wrangler.ts`). */
function withoutBots(user: User, nowMillis: number): User {
  return user.bot ? user : { ...user, botsEpoch: bumpedEpoch(user.botsEpoch ?? 0, nowMillis) }
}

/** Another wrangler ends a bot's tokens: the one of until now may have them, and nothing that ended with him comes back. */
export function withWrangler(bot: User, wrangler: string, nowMillis: number): User {
  return bot.wrangler === wrangler ? bot : { ...bot, wrangler, epoch: bumpedEpoch(bot.epoch, nowMillis) }
}

/** A password is changed because somebody may know the old one: whoever was signed in, and every token, is out. */
export function withPassword(user: User, passwordHash: string, nowMillis: number): User {
  return {
    ...user,
    passwordHash,
    passwordChangedAt: Math.floor(nowMillis / 1000),
    epoch: bumpedEpoch(user.epoch, nowMillis),
  }
}

/** Another address counts as unverified. */
export function withProfile(user: User, profile: Profile): User {
  const fullName =
    profile.fullName === undefined ? user.fullName : (profile.fullName?.normalize('NFC').trim() ?? undefined)
  const email = profile.email === undefined ? user.email : (profile.email ?? undefined)
  if (fullName === user.fullName && email === user.email) return user
  const { fullName: _name, email: _email, ...rest } = user
  return {
    ...rest,
    ...(fullName !== undefined && { fullName }),
    ...(email !== undefined && { email }),
    emailVerified: email === user.email && user.emailVerified,
  }
}
