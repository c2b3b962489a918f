import type { Client } from './client.ts'
import type { Consent } from './consent.ts'
import type { AuthorizationRequest } from './interaction.ts'
import { scopeOfClaim } from './release-claims.ts'
import { requestedClaims } from './requested-claims.ts'
import type { User } from './user.ts'

/**
 * Whether a consent may be remembered for this client at all. A redirect URI that any program on the device can claim
 * doesn't prove who asks (RFC 9700 §4.1, OAuth 2.1 §7.3.1), so its user is asked each time.
 */
export function mayRememberConsent(client: Client): boolean {
  return client.authentication.method !== 'none' || client.redirectUris.every((uri) => uri.startsWith('https://'))
}

/** Whether what the user agreed to before covers all that is asked now. */
export function coversRequest(
  consent: Consent | undefined,
  { user, client, request }: { readonly user: User; readonly client: Client; readonly request: AuthorizationRequest },
): boolean {
  return (
    consent !== undefined &&
    mayRememberConsent(client) &&
    consent.userId === user.userId &&
    consent.clientId === client.clientId &&
    consent.epoch === user.epoch &&
    request.scope.every((scope) => consent.scope.includes(scope)) &&
    request.resources.every((resource) => consent.resources.includes(resource)) &&
    requestedClaims(request.claims).every(
      (claim) => consent.claims.includes(claim) || consent.scope.includes(scopeOfClaim(claim)),
    )
  )
}

/** A consent after somebody agreed to one more request: what was agreed to before stays, unless it is void. */
export function widenConsent(previous: Consent | undefined, given: Omit<Consent, 'v'>): Consent {
  const old = previous !== undefined && previous.epoch === given.epoch ? previous : undefined
  // With whatever a newer program noted there.
  return {
    ...old,
    v: 1,
    ...given,
    scope: union(old?.scope, given.scope),
    resources: union(old?.resources, given.resources),
    claims: union(old?.claims, given.claims),
  }
}

function union(old: readonly string[] = [], added: readonly string[]): readonly string[] {
  return [...new Set([...old, ...added])]
}
