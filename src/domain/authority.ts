import { isReservedScope, isScopeOfApis } from '../protocol/scope.ts'
import type { Client } from './client.ts'
import { scopeAllowedTo } from './narrow.ts'
import type { Resource } from './resource.ts'
import type { Role, User } from './user.ts'

/** Who asks for something to be done to accounts, clients and APIs. */
export type Actor =
  /** Whoever may read the data directory: above every role. */
  | { readonly kind: 'cli' }
  /** Somebody who makes himself an account, where the policy lets him. */
  | { readonly kind: 'registration' }
  /** Somebody who was invited to an account of this role with these scopes. */
  | { readonly kind: 'invitation'; readonly role: Role; readonly scopes: readonly string[] }
  | { readonly kind: 'user'; readonly user: User; readonly scopes: readonly string[] }
  /** A program that acts for nobody. It stands where an `admin` stands, never above. */
  | { readonly kind: 'client'; readonly client: Client; readonly scopes: readonly string[] }

/** Who shows a token. */
type Proven = Extract<Actor, { readonly kind: 'user' | 'client' }>

export type Deed =
  | { readonly do: 'read' }
  | { readonly do: 'create-user'; readonly role: Role; readonly scopes: readonly string[] }
  /** Names, address, password, wrangler. */
  | { readonly do: 'change-user'; readonly target: User }
  | { readonly do: 'set-role'; readonly target: User; readonly role: Role }
  | { readonly do: 'set-scopes'; readonly target: User; readonly scopes: readonly string[] }
  | {
      readonly do: 'lock-user' | 'unlock-user' | 'delete-user' | 'revoke-tokens' | 'reset-factors'
      readonly target: User
    }
  /** `scopes`: what the token may do. */
  | {
      readonly do: 'mint'
      readonly target: User
      readonly scopes: readonly string[]
      /** The API that it is for. */
      readonly resource: Resource | undefined
    }
  /** A token for one's own scripts. */
  | { readonly do: 'mint-own'; readonly target: User; readonly scopes: readonly string[] }
  /** A token for somebody who signed in at a front end. Absent: he has no account yet. */
  | { readonly do: 'provision'; readonly target: User | undefined; readonly scopes: readonly string[] }
  | { readonly do: 'revoke-everything' }
  /**
   * `given`: all that the client may ask for. `held`: those of them that it would have for itself, where some API has people hold
   * them or it could give them to accounts.
   */
  | { readonly do: 'write-client'; readonly given: readonly string[]; readonly held: readonly string[] }
  | { readonly do: 'delete-client' }
  /** `freed`: scopes that people needed to hold, and need no more. */
  | { readonly do: 'write-resource'; readonly freed: readonly string[] }
  /** One's own names and address. */
  | { readonly do: 'change-self' | 'delete-self'; readonly target: User }

export type AuthorityReason =
  | 'scope_missing'
  | 'role_too_low'
  | 'target_above_actor'
  | 'role_above_actor'
  | 'scope_not_held'
  | 'not_oneself'
  | 'oneself'

export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: AuthorityReason }

const ranks: Readonly<Record<Role, number>> = { editor: 0, admin: 1, superuser: 2 }
const allowed: Verdict = { allowed: true }
const no = (reason: AuthorityReason): Verdict => ({ allowed: false, reason })

/** Scopes that a client needs for each deed: all that changes others takes `admin`. */
function neededScopes(deed: Deed): readonly string[] {
  if (deed.do === 'read') return ['admin', 'admin:read']
  if (deed.do === 'change-self' || deed.do === 'delete-self' || deed.do === 'mint-own') return ['me']
  return deed.do === 'provision' ? ['accounts:provision'] : ['admin']
}

/**
 * The one table of who may do what to whom: nobody creates, changes, mints for or deletes somebody of a higher role,
 * nor gives a role or scope that he lacks, and nobody takes his own place away.
 */
export function authority(actor: Actor, deed: Deed): Verdict {
  if (actor.kind === 'cli') return allowed
  if (actor.kind === 'registration') {
    const plain = deed.do === 'create-user' && deed.role === 'editor' && deed.scopes.length === 0
    return plain ? allowed : no('role_too_low')
  }
  if (actor.kind === 'invitation') {
    const within =
      deed.do === 'create-user' &&
      deed.role === actor.role &&
      deed.scopes.every((scope) => actor.scopes.includes(scope))
    return within ? allowed : no('role_too_low')
  }
  if (!neededScopes(deed).some((scope) => actor.scopes.includes(scope))) return no('scope_missing')

  if (deed.do === 'change-self' || deed.do === 'delete-self') {
    return isOneself(actor, deed.target) ? allowed : no('not_oneself')
  }
  // What an account may do at all is decided where its token is planned; how far the asking token reaches, where it is known.
  if (deed.do === 'mint-own') return isOneself(actor, deed.target) ? allowed : no('not_oneself')
  const rank = rankOf(actor)
  if (deed.do === 'provision') return provision(actor, rank, deed)
  if (rank < ranks.admin) return no('role_too_low')

  switch (deed.do) {
    case 'read':
    case 'delete-client':
      return allowed
    case 'write-resource':
      return bestows(actor, deed.freed)
    case 'revoke-everything':
      return rank < ranks.superuser ? no('role_too_low') : allowed
    case 'write-client': {
      // Introspection shows less than `admin` reads, so whoever administers may give it.
      const given = gives(
        actor,
        deed.given.filter((scope) => scope !== 'introspect'),
      )
      // Whoever writes a client that acts for itself has what it has: its secret is his.
      return given.allowed ? bestows(actor, deed.held) : given
    }
    case 'create-user':
      return ranks[deed.role] > rank ? no('role_above_actor') : bestows(actor, deed.scopes)
    default:
      return overUser(actor, rank, deed)
  }
}

/** The narrow power of a front end: it stands for people, so it never gets a power over this server in their name. */
function provision(actor: Proven, rank: number, { target, scopes }: Extract<Deed, { do: 'provision' }>): Verdict {
  if (target !== undefined && ranks[target.role] > rank) return no('target_above_actor')
  if (scopes.some(isReservedScope)) return no('scope_not_held')
  return gives(
    actor,
    scopes.filter((scope) => !everybodys.includes(scope)),
  )
}

/** Scopes that every account has over itself. */
const everybodys: readonly string[] = ['openid', 'profile', 'email', 'roles', 'me']

function overUser(actor: Proven, rank: number, deed: Extract<Deed, { target: User }>): Verdict {
  const { target } = deed
  if (ranks[target.role] > rank) return no('target_above_actor')
  // Whoever acts stays: so there is always somebody left who may undo it.
  const takesPlace = deed.do === 'lock-user' || deed.do === 'delete-user' || deed.do === 'set-role'
  // A stolen token must not take its owner's second factor away either: he does that himself, signed in with it.
  if ((takesPlace || deed.do === 'reset-factors') && isOneself(actor, target)) return no('oneself')
  switch (deed.do) {
    case 'set-role':
      return ranks[deed.role] > rank ? no('role_above_actor') : allowed
    case 'mint':
      return gives(
        actor,
        deed.scopes.filter((scope) => isReservedScope(scope) || deed.resource?.heldScopes?.includes(scope) === true),
        deed.resource,
      )
    case 'set-scopes':
      return bestows(
        actor,
        deed.scopes.filter((scope) => !target.scopes.includes(scope)),
      )
    default:
      return allowed
  }
}

/** Whether the actor holds everything that he gives. `resource`: the API at which it counts. */
function gives(actor: Proven, scopes: readonly string[], resource?: Resource): Verdict {
  return scopes.every((scope) => holds(actor, scope, resource)) ? allowed : no('scope_not_held')
}

function holds(actor: Proven, scope: string, resource: Resource | undefined): boolean {
  if (actor.kind === 'client') return actor.client.scope.includes(scope)
  return actor.user.role === 'superuser' || scopeAllowedTo(actor.user, scope, resource)
}

/** The same for scopes that accounts hold: any API may count on one some day, so nobody but a superuser gives one that he lacks. */
function bestows(actor: Proven, scopes: readonly string[]): Verdict {
  const limited = actor.kind === 'user' && actor.user.role !== 'superuser'
  const lacks = limited && scopes.some((scope) => isScopeOfApis(scope) && !actor.user.scopes.includes(scope))
  return lacks ? no('scope_not_held') : gives(actor, scopes)
}

const rankOf = (actor: Proven): number => (actor.kind === 'client' ? ranks.admin : ranks[actor.user.role])

const isOneself = (actor: Proven, target: User): boolean => actor.kind === 'user' && actor.user.userId === target.userId

export function lowerRole(one: Role, other: Role): Role {
  return ranks[one] < ranks[other] ? one : other
}

/** Whether `role` may do what `least` may. */
export function reachesRole(role: Role, least: Role): boolean {
  return ranks[role] >= ranks[least]
}
