import { isHeld, type Connection } from './connection.ts'
import { lifetimes } from './lifetimes.ts'
import { scopeAllowedTo } from './narrow.ts'
import type { AccessTokenFormat, Resource } from './resource.ts'
import type { User } from './user.ts'
import type { Seconds } from '../protocol/time.ts'

/** What somebody wants a token for an account to be, without a sign-in. */
export type MintRequest = {
  readonly format: AccessTokenFormat
  readonly ttl?: Seconds
  /** Absent: everything the API knows; of this server, what the account may do to itself. */
  readonly scope?: readonly string[]
  /** Identifier of an API. Absent: this server. */
  readonly resource?: string
  /** A connection of the account, for which alone it is. */
  readonly connection?: string
  /** What narrows a macaroon from the beginning. */
  readonly caveats?: readonly string[]
  /** What people read in the list of grants. */
  readonly name?: string
}

/** What it will be. */
export type MintPlan = { readonly ttl: Seconds; readonly scope: readonly string[] }

export type MintProblem = {
  readonly field: 'format' | 'ttl' | 'scope' | 'resource' | 'connection' | 'caveats'
  readonly detail: string
}

/** Scopes of this server that a minted token may hold, if its account may. */
export const mintableScopes: readonly string[] = [
  'openid',
  'profile',
  'email',
  'roles',
  'me',
  'vault',
  'admin',
  'admin:read',
  'introspect',
  'accounts:provision',
]

/** What a token for this server may do where nobody says what. */
export const usualScopes: readonly string[] = ['openid', 'me']

/** Whether a token can be as somebody wants it, and what is taken where he says nothing. `named`: the records of what he names. */
export function planMint(
  wanted: MintRequest,
  user: User,
  named: { readonly resource: Resource | undefined; readonly connection: Connection | undefined },
): MintPlan | MintProblem {
  const { resource } = named
  if (wanted.resource !== undefined && (resource === undefined || resource.disabled))
    return { field: 'resource', detail: 'resource is not an API that is known and switched on' }
  // Offline verification of a JWT can only end at its `exp`.
  const longest = wanted.format === 'jwt' ? lifetimes.longestAccessToken : lifetimes.longestMinted
  const ttl = wanted.ttl ?? usualTtl(wanted)
  if (ttl < 1 || ttl > longest) return { field: 'ttl', detail: `ttl must be from 1 to ${longest} for this format` }
  if (wanted.caveats !== undefined && wanted.caveats.length > 0 && wanted.format !== 'macaroon')
    return { field: 'caveats', detail: 'only a macaroon has caveats; ask for the format macaroon' }
  // Whoever has it may call that one API, and nothing of this server.
  if (wanted.connection !== undefined) return refuseCapability(wanted, user, named.connection) ?? { ttl, scope: [] }
  const known = (resource?.scope ?? mintableScopes).filter((scope) => scopeAllowedTo(user, scope, resource))
  const scope = wanted.scope ?? (resource === undefined ? usualScopes : known)
  const beyond = scope.find((one) => !known.includes(one))
  if (beyond !== undefined)
    return { field: 'scope', detail: "scope names what the API doesn't have or the account may not do" }
  return { ttl, scope }
}

function usualTtl({ format, connection }: MintRequest): Seconds {
  if (format === 'jwt') return lifetimes.accessToken
  return connection === undefined ? lifetimes.minted : lifetimes.capability
}

function refuseCapability(
  wanted: MintRequest,
  user: User,
  connection: Connection | undefined,
): MintProblem | undefined {
  if (wanted.format !== 'macaroon')
    return { field: 'format', detail: 'a capability to a connection is a macaroon; ask for the format macaroon' }
  if (wanted.scope !== undefined || wanted.resource !== undefined)
    return { field: 'scope', detail: 'a capability to a connection has neither scope nor resource; leave them out' }
  const isHis =
    connection !== undefined &&
    isHeld(connection) &&
    connection.confirmation === undefined &&
    connection.owner.kind === 'user' &&
    connection.owner.userId === user.userId
  return isHis ? undefined : { field: 'connection', detail: 'connection is none of the account, or not finished' }
}
