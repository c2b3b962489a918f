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
  /** What narrows a macaroon from the beginning. */
  readonly caveats?: readonly string[]
  /** What people read in the list of grants. */
  readonly name?: string
}

/** What it will be. */
export type MintPlan = { readonly ttl: Seconds; readonly scope: readonly string[] }

export type MintProblem = {
  readonly field: 'format' | 'ttl' | 'scope' | 'resource' | 'caveats'
  readonly detail: string
}

/** Scopes of this server that a minted token may hold, if its account may. */
export const mintableScopes: readonly string[] = [
  'openid',
  'profile',
  'email',
  'me',
  'vault',
  'admin',
  'admin:read',
  'introspect',
  'accounts:provision',
]

/** What a token for this server may do where nobody says what. */
export const usualScopes: readonly string[] = ['openid', 'me']

/** Whether a token can be as somebody wants it, and what is taken where he says nothing. `resource`: the record of the API that he names. */
export function planMint(wanted: MintRequest, user: User, resource: Resource | undefined): MintPlan | MintProblem {
  if (wanted.resource !== undefined && (resource === undefined || resource.disabled))
    return { field: 'resource', detail: 'resource is not an API that is known and switched on' }
  // Offline verification of a JWT can only end at its `exp`.
  const longest = wanted.format === 'jwt' ? lifetimes.longestAccessToken : lifetimes.longestMinted
  const ttl = wanted.ttl ?? (wanted.format === 'jwt' ? lifetimes.accessToken : lifetimes.minted)
  if (ttl < 1 || ttl > longest) return { field: 'ttl', detail: `ttl must be from 1 to ${longest} for this format` }
  if (wanted.caveats !== undefined && wanted.caveats.length > 0 && wanted.format !== 'macaroon')
    return { field: 'caveats', detail: 'only a macaroon has caveats; ask for the format macaroon' }
  const known = resource?.scope ?? mintableScopes.filter((scope) => scopeAllowedTo(user, scope))
  const scope = wanted.scope ?? (resource === undefined ? usualScopes : resource.scope)
  const beyond = scope.find((one) => !known.includes(one))
  if (beyond !== undefined)
    return { field: 'scope', detail: "scope names what the API doesn't have or the account may not do" }
  return { ttl, scope }
}
