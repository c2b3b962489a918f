import type { Authentication } from '../domain/grant.ts'
import { authenticationOf } from '../domain/session-state.ts'
import { meetsContext } from '../domain/authentication-context.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { judgePromise } from '../domain/sign-in-promise.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { ref } from '../domain/record.ts'
import { dischargedPage, dischargePage, undischargedPage } from '../pages/discharge-page.ts'
import { parseBearerAuthorization } from '../protocol/bearer.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../protocol/parameters.ts'
import { callOf } from '../sender/call-of.ts'
import { liveToken } from '../sender/live-token.ts'
import { usedElsewhere } from '../sender/used-elsewhere.ts'
import { bindForm } from '../signin/form-guard.ts'
import { readAlive } from '../store/read-alive.ts'
import type { Core } from './core.ts'
import { issueDischarge, readCaveatId, unkept, type Asked } from './issue-discharge.ts'
import { presentationFor, refusalPage, withHeaders } from './presentation.ts'
import { purposeOf, readPageRequest, type PageRequest } from './read-page-request.ts'
import { json, seeOther } from './respond.ts'
import { bearerError } from './userinfo.ts'

const path = '/oauth/discharge'

/** The page on which a person confirms that a token of his may be used. Who isn't signed in, or not recently enough, signs in first. */
export function createDischargePageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const request = await readPageRequest(core, http, 'discharge')
    if ('status' in request) return request
    const kept = await keepsPromise(core, http, request)
    if ('status' in kept) return kept
    const { asked, signedIn } = kept
    const form = bindForm(core, http, { purpose: purposeOf('discharge', asked.caveatId), signedIn })
    const view = dischargePage(presentationFor(core, http), {
      action: path,
      hidden: [form.field, { name: 'caveat_id', value: asked.caveatId }],
      person: signedIn.user,
    })
    return withHeaders(view, form.setCookie)
  }
}

/**
 * Discharges a third-party caveat that we sealed ourselves: for a program, by a token of that person's own recent sign-in; for
 * the person himself, by the form of the page above.
 */
export function createDischargeEndpoint(core: Core): Endpoint {
  return async (http) => (http.headers['authorization'] === undefined ? fromForm(core, http) : fromProgram(core, http))
}

async function fromForm(core: Core, http: HttpRequest): Promise<HttpResponse> {
  const request = await readPageRequest(core, http, 'discharge')
  if ('status' in request) return request
  if (request.parameters.get('decision') !== 'allow') return undischargedPage(presentationFor(core, http))
  const kept = await keepsPromise(core, http, request)
  if ('status' in kept) return kept
  const { user, sessionId } = kept.signedIn
  const by = { userId: user.userId, sessionId, address: http.peer.address }
  const discharge = await issueDischarge(core, kept.asked, by)
  core.directory.assertFresh()
  return dischargedPage(presentationFor(core, http), discharge)
}

/** What is asked for and who is signed in, if his sign-in keeps the promise; else the way to one that would, or a no. */
async function keepsPromise(
  core: Core,
  http: HttpRequest,
  { interaction, signedIn }: PageRequest,
): Promise<{ readonly asked: Asked; readonly signedIn: SignedIn } | HttpResponse> {
  const refused = (refusal: Refusal) => refusalPage(core, http, { endpoint: 'discharge', refusal })
  const asked = await readCaveatId(core, interaction)
  if (isRefusal(asked)) return refused(asked)
  const verdict =
    signedIn === undefined
      ? 'too_old'
      : judge(core, asked, { userId: signedIn.user.userId, authentication: authenticationOf(signedIn) })
  if (signedIn === undefined || verdict === 'too_old') return toSignIn(asked)
  if (verdict === 'method_missing' && mayAdd(asked, signedIn)) return toSecondFactor(asked)
  return verdict === 'met' ? { asked, signedIn } : refused(unkept(verdict))
}

async function fromProgram(core: Core, http: HttpRequest): Promise<HttpResponse> {
  const { address } = http.peer
  const discharged = await dischargeFor(core, http)
  core.directory.assertFresh()
  if (!isRefusal(discharged)) {
    return json(200, JSON.stringify({ discharge: discharged.text, expires_in: lifetimes.discharge }))
  }
  core.observer.refused('discharge', discharged, { address })
  return bearerError(discharged)
}

async function dischargeFor(core: Core, http: HttpRequest): Promise<{ readonly text: string } | Refusal> {
  const text = parseBearerAuthorization(http.headers['authorization'] ?? '')
  if (isRefusal(text)) return text
  const live = await liveToken(core, text, callOf('discharge', http))
  if (isRefusal(live)) return live
  const elsewhere = usedElsewhere(core, http, live.client)
  if (elsewhere !== undefined) return elsewhere
  const { claims, user } = live
  if (claims.aud.length !== 1 || claims.aud[0] !== core.issuer) return refuse('invalid_token', 'token_audience')
  // A token for signing in at some application must not confirm what its person never sees there.
  if (user === undefined || !claims.scope.includes('me'))
    return refuse('insufficient_scope', 'token_scope', 'the scope me is needed')
  const parameters = parseParameters(http.body)
  if (isRefusal(parameters)) return parameters
  const asked = refuseRepeated(parameters) ?? (await readCaveatId(core, parameters.get('caveat_id')))
  if (isRefusal(asked)) return asked

  const grant = await readAlive(core.transition.store, ref('grant', claims.gid), core.clock.seconds())
  // Neither a macaroon, which anybody may have been handed, nor what was minted or got for a password: only a browser's sign-in.
  if (claims.caveats !== undefined || grant?.authentication.sessionId === undefined)
    return refuse('access_denied', 'promise_no_sign_in', 'this takes a token of a sign-in in a browser')
  const verdict = judge(core, asked, { userId: user.userId, authentication: grant.authentication })
  if (verdict !== 'met') return unkept(verdict)
  const by = { userId: user.userId, clientId: claims.clientId, grantId: claims.gid, address: http.peer.address }
  return { text: await issueDischarge(core, asked, by) }
}

function judge(
  core: Core,
  { sealed }: Asked,
  { userId, authentication }: { readonly userId: string; readonly authentication: Authentication },
): ReturnType<typeof judgePromise> {
  return judgePromise(sealed.promise, { userId, authentication }, core.clock.seconds())
}

/** Back here after it: the sign-in page goes on to this path alone, with an id in its own alphabet. */
function toSignIn({ caveatId }: Asked): HttpResponse {
  return seeOther(`/signin?next=${encodeURIComponent(`${path}?caveat_id=${caveatId}`)}`)
}

/** Whether a second factor, shown now, could be what is missing of a session that had none so far. */
function mayAdd({ sealed }: Asked, { session }: SignedIn): boolean {
  return !meetsContext('mfa', session) && sealed.promise.amr.some((method) => method === 'otp' || method === 'mfa')
}

function toSecondFactor({ caveatId }: Asked): HttpResponse {
  return seeOther(`/second-factor?next=${encodeURIComponent(`${path}?caveat_id=${caveatId}`)}`)
}
