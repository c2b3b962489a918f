import type { Client } from '../domain/client.ts'
import { scopeAllowedTo } from '../domain/narrow.ts'
import { resourceClaims } from '../domain/resource-claims.ts'
import type { Resource } from '../domain/resource.ts'
import { isRefusal, refuse, throttled } from '../protocol/errors.ts'
import type { Endpoint } from '../protocol/http.ts'
import { printScope } from '../protocol/scope.ts'
import { liveToken, type LiveToken } from '../sender/live-token.ts'
import { usedElsewhere } from '../sender/used-elsewhere.ts'
import { parseCaveatContext } from '../tokens/caveat-context.ts'
import { backChannel } from './back-channel.ts'
import type { Core } from './core.ts'
import { json } from './respond.ts'

/** RFC 7662 §2.2: one answer for unknown, expired, revoked and foreign tokens, byte for byte. */
const inactive = '{"active":false}'

/** Introspection (RFC 7662). Understands every token format; tells only who may know. */
export function createIntrospectionEndpoint(core: Core): Endpoint {
  return backChannel(core, 'introspect', async ({ client: caller, parameters, http }) => {
    // RFC 7662 §4: a public client has no secret, so anybody could scan tokens in its name.
    if (caller.authentication.method === 'none') return refuse('invalid_client', 'authentication_method')
    const text = parameters.get('token')
    if (text === undefined) return refuse('invalid_request', 'parameter_missing', 'token is missing')

    const said = parameters.get('caveat_context')
    const context = said === undefined ? {} : parseCaveatContext(said)
    if (context === undefined) {
      return refuse(
        'invalid_request',
        'caveat_context_malformed',
        'caveat_context is a JSON object with the members endpoint, method, path and ip, each a text',
      )
    }
    const source = [caller.clientId, http.peer.address] as const
    const blocked = core.limits.blocked('introspection-miss', source)
    if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)
    const found = await liveToken(core, text, context)
    // A token for this machine alone is shown to no API on another one.
    const live = isRefusal(found) ? found : (usedElsewhere(core, http, found.client) ?? found)
    // Whether the caller may know is asked in both cases, so that a foreign token costs what an unknown one costs.
    const audience = isRefusal(live) ? undefined : live.claims.aud[0]
    const resource = await core.directory.resource(audience ?? core.issuer)
    if (isRefusal(live) || !isServed(core, live, resource) || !mayIntrospect(core, { caller, live, resource })) {
      core.limits.count('introspection-miss', source)
      return json(200, inactive)
    }
    return json(200, JSON.stringify(view(core, live, resource)))
  })
}

/** Whether what the token is for is still there: an API that is forgotten or switched off takes its tokens with it. */
function isServed(core: Core, { claims }: LiveToken, resource: Resource | undefined): boolean {
  return claims.aud.includes(core.issuer) || (resource !== undefined && !resource.disabled)
}

/** Tokens issued to itself; of a resource that names it; of ourselves, with the reserved scope `introspect`. */
function mayIntrospect(
  core: Core,
  {
    caller,
    live,
    resource,
  }: { readonly caller: Client; readonly live: LiveToken; readonly resource: Resource | undefined },
): boolean {
  if (live.claims.clientId === caller.clientId) return true
  if (live.claims.aud.includes(core.issuer)) return caller.scope.includes('introspect')
  return resource?.introspectionClients.includes(caller.clientId) ?? false
}

function view(
  core: Core,
  { claims, user }: LiveToken,
  resource: Resource | undefined,
): Readonly<Record<string, unknown>> {
  // What the API demands to be held since counts at once.
  const scope = user === undefined ? claims.scope : claims.scope.filter((one) => scopeAllowedTo(user, one, resource))
  return {
    active: true,
    iss: core.issuer,
    sub: claims.sub,
    client_id: claims.clientId,
    aud: claims.aud.length === 1 ? claims.aud[0] : claims.aud,
    scope: printScope(scope),
    token_type: 'Bearer',
    iat: claims.iat,
    exp: claims.exp,
    jti: claims.jti,
    ...(claims.authTime === undefined ? {} : { auth_time: claims.authTime }),
    ...(claims.acr === undefined ? {} : { acr: claims.acr }),
    ...(user !== undefined && claims.scope.includes('profile') ? { username: user.username } : {}),
    ...(claims.caveats === undefined ? {} : { caveats: claims.caveats }),
    // Another server made it, so nothing of what this API asks for stands in it.
    ...(claims.imported === true && user !== undefined ? resourceClaims(user, resource) : claims.extra),
  }
}
