import { parseAuthorizeRequest } from '../domain/authorize-request.ts'
import type { AuthorizationRequest } from '../domain/interaction.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { isLoopbackRequest } from '../protocol/loopback-request.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { currentSession } from '../signin/session.ts'
import { verifyIdTokenHint } from '../tokens/id-token.ts'
import { refuseToClient } from './authorization-response.ts'
import type { Core } from './core.ts'
import { bindToBrowser, parkUnbound, takeUp, type Pending } from './interactions.ts'
import { refusalPage } from './presentation.ts'
import { issueAtOnce, proceed } from './proceed.ts'

/** The authorization endpoint (RFC 6749 §3.1): GET and POST, which OIDC Core §3.1.2.1 both asks for. */
export function createAuthorizeEndpoint(core: Core): Endpoint {
  return async (http) => {
    const pending = await read(core, http)
    if ('status' in pending) return pending
    // A cross-site POST comes without cookies: whatever it would find signed in is not its person.
    if (http.method === 'POST') return parkUnbound(core, http, pending.request)
    return (
      (await issueAtOnce(core, http, pending)) ??
      proceed(core, http, { pending, signedIn: await currentSession(core, http) })
    )
  }
}

/** Where parked requests come back to: after a POST, and from pages that only chose who goes on. */
export function createResumeEndpoint(core: Core): Endpoint {
  return async (http) => {
    const query = parseParameters(http.query)
    if (isRefusal(query)) return refusalPage(core, http, { endpoint: 'authorize', refusal: query })
    const id = query.get('interaction')
    const bound = await bindToBrowser(core, http, id)
    if (bound !== undefined) return bound
    const pending = await takeUp(core, http, id)
    return 'status' in pending ? pending : proceed(core, http, { pending, signedIn: await currentSession(core, http) })
  }
}

async function read(core: Core, http: HttpRequest): Promise<Pending | HttpResponse> {
  const parameters = parseParameters(http.method === 'POST' ? http.body : http.query)
  if (isRefusal(parameters)) return refusalPage(core, http, { endpoint: 'authorize', refusal: parameters })
  const clientId = parameters.get('client_id')
  const client = clientId === undefined ? undefined : await core.directory.client(clientId)
  const parsed = parseAuthorizeRequest(parameters, client)
  // J15: an unknown id is the request's own text, and may be a secret that stands in the wrong place.
  if ('page' in parsed)
    return refusalPage(core, http, { endpoint: 'authorize', refusal: parsed.page, clientId: client?.clientId })
  if (parsed.client.loopbackOnly && !isLoopbackRequest(core, http))
    return refusalPage(core, http, {
      endpoint: 'authorize',
      refusal: refuse('unauthorized_client', 'client_loopback_only'),
      clientId,
    })
  if ('redirect' in parsed) return refuseToClient(core, http, { to: parsed, refusal: parsed.redirect })
  const { request, target } = parsed
  const to = { client: parsed.client, target, mode: request.responseMode, state: request.state }
  const subject = subjectOf(core, request, parameters.get('id_token_hint'))
  if (isRefusal(subject)) return refuseToClient(core, http, { to, refusal: subject })
  const unknown = await refuseUnknownApi(core, request)
  if (unknown !== undefined) return refuseToClient(core, http, { to, refusal: unknown })
  return { request: subject === undefined ? request : { ...request, subject }, to }
}

/** RFC 8707 §2: nobody is asked to allow something for an API that no token is made for. */
async function refuseUnknownApi(core: Core, { resources }: AuthorizationRequest): Promise<Refusal | undefined> {
  const others = resources.filter((resource) => resource !== core.issuer)
  const apis = await Promise.all(others.map(async (resource) => core.directory.resource(resource)))
  return apis.every((api) => api !== undefined && !api.disabled)
    ? undefined
    : refuse('invalid_target', 'unknown_resource')
}

/** Whom the request is about, if it says so. OIDC Core §3.1.2.1: a hint must be ours and for this client; it may have expired. */
function subjectOf(core: Core, request: AuthorizationRequest, hint: string | undefined): string | undefined | Refusal {
  if (hint === undefined) return request.subject
  const hinted = verifyIdTokenHint(core.keys, hint, { issuer: core.issuer, now: core.clock.seconds() })
  if ('refused' in hinted || hinted.clientId !== request.clientId) {
    return refuse('invalid_request', 'hint_malformed', 'id_token_hint is no ID token of this client')
  }
  if (request.subject !== undefined && request.subject !== hinted.subject) {
    return refuse('invalid_request', 'hint_malformed', 'id_token_hint and claims ask for different people')
  }
  return hinted.subject
}
