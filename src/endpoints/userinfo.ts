import { ref } from '../domain/record.ts'
import { releaseClaims } from '../domain/release-claims.ts'
import { parseBearerAuthorization } from '../protocol/bearer.ts'
import { bearerChallenge } from '../protocol/challenge.ts'
import { describe, isRefusal, refuse, statusOf, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../protocol/parameters.ts'
import { readAlive } from '../store/read-alive.ts'
import { callOf } from '../sender/call-of.ts'
import { liveToken } from '../sender/live-token.ts'
import { usedElsewhere } from '../sender/used-elsewhere.ts'
import type { Core } from './core.ts'
import { json, retryAfter } from './respond.ts'

/** UserInfo (OIDC Core §5.3): GET and POST, the token in the header or, for a POST, in the form (RFC 6750 §2.1, §2.2). */
export function createUserinfoEndpoint(core: Core): Endpoint {
  return async (request) => {
    const refused = (refusal: Refusal): HttpResponse => {
      core.observer.refused('userinfo', refusal, { address: request.peer.address })
      return bearerError(refusal)
    }
    const text = accessTokenOf(request)
    if (isRefusal(text)) return refused(text)
    const live = await liveToken(core, text, callOf('userinfo', request))
    if (isRefusal(live)) return refused(live)
    const elsewhere = usedElsewhere(core, request, live.client)
    if (elsewhere !== undefined) return refused(elsewhere)
    // RFC 8725 §3.9: a token for somebody else's API is no key to this one.
    if (!live.claims.aud.includes(core.issuer)) return refused(refuse('invalid_token', 'token_audience'))
    if (live.user === undefined || !live.claims.scope.includes('openid')) {
      return refused(refuse('insufficient_scope', 'token_scope', 'the scope openid is needed'))
    }
    const grant = await readAlive(core.transition.store, ref('grant', live.claims.gid), core.clock.seconds())
    const requested = grant?.claims?.userinfo
    core.directory.assertFresh()
    return json(
      200,
      JSON.stringify({ sub: live.user.userId, ...releaseClaims(live.user, live.claims.scope, requested) }),
    )
  }
}

/** RFC 6750 §2: one way per request; never in the query (§2.3 is forbidden by RFC 9700 §4.3.2). */
function accessTokenOf(request: HttpRequest): string | Refusal {
  const authorization = request.headers['authorization']
  const form = request.method === 'POST' && request.body !== '' ? parseParameters(request.body) : undefined
  if (isRefusal(form)) return form
  // L3: of two tokens another parser would take the other one.
  const repeated = form === undefined ? undefined : refuseRepeated(form)
  if (repeated !== undefined) return repeated
  const inForm = form?.get('access_token')
  if (authorization === undefined) return inForm ?? refuse('invalid_token', 'credentials_missing')
  return inForm === undefined
    ? parseBearerAuthorization(authorization)
    : refuse('invalid_request', 'token_repeated', 'send the access token in one way')
}

/** RFC 6750 §3.1: without a token there is no error to name. */
export function bearerError(refusal: Refusal): HttpResponse {
  const body = JSON.stringify({ error: refusal.error, error_description: describe(refusal) })
  return json(statusOf(refusal), body, [
    ['www-authenticate', bearerChallenge('gatehouse', refusal.reason === 'credentials_missing' ? undefined : refusal)],
    ...retryAfter(refusal),
  ])
}
