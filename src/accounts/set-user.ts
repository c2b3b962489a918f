import type { Actor } from '../domain/authority.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import type { Role, User } from '../domain/user.ts'
import { changeUser } from './change-user.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { emailProblem, fullNameProblem, scopesProblem } from './user-fields.ts'

type About = { readonly actor: Actor; readonly userId: string }

/** Tokens made under a higher role die with it; a higher role needs new ones anyway. */
export function setRole(
  context: AccountsContext,
  { actor, userId, role }: About & { readonly role: Role },
): Promise<Outcome<User>> {
  return changeUser(context, {
    actor,
    userId,
    event: 'user.changed',
    deed: (target) => ({ do: 'set-role', target, role }),
    change: (user, nowMillis) =>
      user.role === role ? user : { ...user, role, epoch: bumpedEpoch(user.epoch, nowMillis) },
  })
}

/** Replace the scopes that an account was given. Taking one away ends its tokens, so that none goes on holding it. */
export async function setScopes(
  context: AccountsContext,
  { actor, userId, scopes }: About & { readonly scopes: readonly string[] },
): Promise<Outcome<User>> {
  const refused = scopesProblem(scopes)
  if (refused !== undefined) return { refused }
  const wanted = [...new Set(scopes)]
  return changeUser(context, {
    actor,
    userId,
    event: 'user.changed',
    deed: (target) => ({ do: 'set-scopes', target, scopes: wanted }),
    change: (user, nowMillis) => {
      const taken = user.scopes.some((scope) => !wanted.includes(scope))
      if (!taken && user.scopes.length === wanted.length) return user
      return { ...user, scopes: wanted, epoch: taken ? bumpedEpoch(user.epoch, nowMillis) : user.epoch }
    },
  })
}

/** Locking ends every session and token; unlocking brings none back. */
export function setLocked(
  context: AccountsContext,
  { actor, userId, locked }: About & { readonly locked: boolean },
): Promise<Outcome<User>> {
  return changeUser(context, {
    actor,
    userId,
    event: locked ? 'user.locked' : 'user.unlocked',
    deed: (target) => ({ do: locked ? 'lock-user' : 'unlock-user', target }),
    change: (user, nowMillis) => {
      if (user.locked === locked) return user
      return { ...user, locked, epoch: locked ? bumpedEpoch(user.epoch, nowMillis) : user.epoch }
    },
  })
}

/** End everything that was issued to one account. The new epoch is in the answer. */
export function revokeTokens(context: AccountsContext, { actor, userId }: About): Promise<Outcome<User>> {
  return changeUser(context, {
    actor,
    userId,
    event: 'epoch.bumped',
    deed: (target) => ({ do: 'revoke-tokens', target }),
    change: (user, nowMillis) => ({ ...user, epoch: bumpedEpoch(user.epoch, nowMillis) }),
  })
}

/** Null takes the value away; absent leaves it. */
export type Profile = { readonly fullName?: string | null; readonly email?: string | null }

/** Change what an account says about its person. Another address counts as unverified. `own`: the person himself. */
export async function setProfile(
  context: AccountsContext,
  { actor, userId, profile, own = false }: About & { readonly profile: Profile; readonly own?: boolean },
): Promise<Outcome<User>> {
  const refused = fullNameProblem(profile.fullName ?? undefined) ?? emailProblem(profile.email ?? undefined)
  if (refused !== undefined) return { refused }
  return changeUser(context, {
    actor,
    userId,
    event: 'user.changed',
    deed: (target) => ({ do: own ? 'change-self' : 'change-user', target }),
    change: (user) => withProfile(user, profile),
  })
}

function withProfile(user: User, profile: Profile): User {
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
