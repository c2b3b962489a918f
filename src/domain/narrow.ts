import { refuse, type Refusal } from '../protocol/errors.ts'
import type { Resource } from './resource.ts'
import type { User } from './user.ts'

/** What one access token will be good for. */
export type Target = {
  /** Absent: ourselves (userinfo, REST, vault). */
  readonly resource: Resource | undefined
  readonly scope: readonly string[]
}

export type TargetInput = {
  /** All that the grant (or, without one, the client) may do. */
  readonly held: readonly string[]
  readonly heldResources: readonly string[]
  /** What this request asks for; absent: everything held. */
  readonly scope: readonly string[] | undefined
  /** Resource identifiers that this request names. */
  readonly resources: readonly string[]
  readonly issuer: string
  /** The record of `resourceInQuestion`. */
  readonly resource: Resource | undefined
  /** Absent: the client acts for itself. */
  readonly user: User | undefined
}

/** Identifier of the one resource that a token request is about; undefined: ourselves. */
export function resourceInQuestion(
  input: Pick<TargetInput, 'resources' | 'heldResources' | 'issuer'>,
): string | undefined {
  const named = input.resources[0] ?? input.heldResources[0]
  return named === input.issuer ? undefined : named
}

/**
 * Scope and audience of an access token: what was asked, within what is held, within what the API knows
 * (RFC 6749 §6, RFC 8707 §2.2). A token works at exactly one API, so a leak at one opens no other.
 */
export function chooseTarget(input: TargetInput): Target | Refusal {
  const { held, issuer } = input
  if (input.resources.length > 1) {
    return refuse('invalid_target', 'several_resources', 'an access token is for one resource: name one')
  }
  const asked = input.scope ?? held
  if (!asked.every((scope) => held.includes(scope))) return refuse('invalid_scope', 'scope_not_held')

  const named = input.resources[0] ?? input.heldResources[0]
  if (named === undefined || named === issuer) {
    // Ourselves: without any resource in the grant, or for userinfo, which every OpenID client may call.
    if (
      named === issuer &&
      input.heldResources.length > 0 &&
      !input.heldResources.includes(issuer) &&
      !held.includes('openid')
    ) {
      return refuse('invalid_target', 'resource_not_held')
    }
    return { resource: undefined, scope: asked }
  }
  if (!input.heldResources.includes(named)) return refuse('invalid_target', 'resource_not_held')
  const { resource, user } = input
  if (resource === undefined || resource.disabled) return refuse('invalid_target', 'unknown_resource')
  const known = asked.filter((name) => resource.scope.includes(name))
  // Asking for something that the API doesn't have must not quietly become a token for less.
  if (input.scope !== undefined && known.length === 0 && asked.length > 0) {
    return refuse('invalid_scope', 'scope_not_of_resource')
  }
  // RFC 6749 §3.3: what the person may not do is left out, and the answer says so.
  const scope = user === undefined ? known : known.filter((name) => scopeAllowedTo(user, name, resource))
  if (input.scope !== undefined && scope.length === 0 && known.length > 0)
    return refuse('invalid_scope', 'scope_not_held')
  return { resource, scope }
}

/**
 * Whether a token for this person may have the scope, however a client asks: of ours only some accounts may hold some, and an API
 * says which of its scopes an account must hold. `resource`: the API that it is for; absent: this server.
 */
export function scopeAllowedTo(user: User, scope: string, resource: Resource | undefined): boolean {
  if (scope === 'admin' || scope === 'admin:read') return user.role === 'admin' || user.role === 'superuser'
  if (scope === 'accounts:provision' || scope === 'introspect' || scope === 'leaks:report')
    return user.role === 'superuser' || user.scopes.includes(scope)
  return resource?.heldScopes?.includes(scope) !== true || user.scopes.includes(scope)
}
