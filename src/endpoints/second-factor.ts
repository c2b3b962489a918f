import { meetsContext, strengthen } from '../domain/authentication-context.ts'
import { hasSecondFactor, passkeysOf } from '../domain/factors.ts'
import { provedRecently } from '../domain/session-state.ts'
import { secondFactorPage, type SecondFactorProblem } from '../pages/second-factor-page.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { bindForm } from '../signin/form-guard.ts'
import { readKnownDevices } from '../signin/known-devices.ts'
import { proveByPasskey } from '../signin/passkey.ts'
import { verifyCode, type FactorProof } from '../signin/second-factor.ts'
import { refuseToClient } from './authorization-response.ts'
import { admitSignIn } from './complete-sign-in.ts'
import type { Core } from './core.ts'
import { findHalfSignIn, type HalfSignIn } from './half-sign-in.ts'
import { passkeyRequest } from './passkey-challenge.ts'
import { presentationFor, requesterOf, withHeaders } from './presentation.ts'
import { purposeOf, readPageRequest, type PageRequest } from './read-page-request.ts'
import { seeOther } from './respond.ts'

/** The page that asks for a second factor: of a sign-in that is half done, or of a session that isn't strong enough for what comes next. */
export function createSecondFactorPageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'second-factor')
    if ('status' in asked) return asked
    const half = await findHalfSignIn(core, http, asked)
    if ('status' in half) return half
    return onwards(half) ?? signInFirst(core, half) ?? show(core, http, { asked, half })
  }
}

/** What its form sends: a code, or that he would rather not. */
export function createSecondFactorEndpoint(core: Core): Endpoint {
  return async (http) => {
    const form = await readPageRequest(core, http, 'second-factor')
    if ('status' in form) return form
    const half = await findHalfSignIn(core, http, form)
    if ('status' in half) return half
    const done = onwards(half)
    if (done !== undefined) return done
    if (form.parameters.get('decision') === 'cancel') return giveUp(core, http, half)
    if (!hasSecondFactor(half.factors)) return show(core, http, { asked: form, half })
    const credential = form.parameters.get('credential')
    const proof = await (credential === undefined ? byCode : byPasskey)(core, http, { half, typed: form.parameters })
    if (isRefusal(proof)) {
      core.observer.refused('second-factor', proof, { address: http.peer.address })
      return show(core, http, { asked: form, half, problem: problemOf(proof) })
    }
    // As old as the first of the two.
    const { first, pending, next, attemptId } = half
    const ofSession = attemptId === undefined
    return admitSignIn(core, http, { proof: { ...first, ...strengthen(first, proof.amr) }, pending, next, ofSession })
  }
}

/** Somebody came back to this page who has shown it meanwhile. */
function onwards({ first, attemptId, pending, next }: HalfSignIn): HttpResponse | undefined {
  if (attemptId !== undefined || !meetsContext('mfa', first)) return undefined
  return seeOther(
    pending === undefined ? (next ?? '/account') : `/oauth/authorize/resume?interaction=${pending.parked.id}`,
  )
}

/** Setting one up takes a recent sign-in, and the parked request would be lost on the way there and back. */
function signInFirst(core: Core, { first, factors, pending }: HalfSignIn): HttpResponse | undefined {
  if (pending === undefined || first.previous === undefined || hasSecondFactor(factors)) return undefined
  if (provedRecently(first.previous, core.clock.seconds())) return undefined
  return seeOther(`/signin?interaction=${pending.parked.id}`)
}

function giveUp(core: Core, http: HttpRequest, { attemptId, pending }: HalfSignIn): HttpResponse {
  if (pending === undefined) return seeOther(attemptId === undefined ? '/account' : '/signin')
  if (attemptId !== undefined) return seeOther(`/signin?interaction=${pending.parked.id}`)
  // RFC 9470 §5, OIDC unmet_authentication_requirements §2.
  return refuseToClient(core, http, {
    to: pending.to,
    refusal: refuse('unmet_authentication_requirements', 'acr_unmet'),
  })
}

function problemOf(refusal: Refusal): SecondFactorProblem {
  return refusal.retryAfter === undefined ? { kind: 'wrong' } : { kind: 'throttled', retryAfter: refusal.retryAfter }
}

function show(
  core: Core,
  http: HttpRequest,
  about: { readonly asked: PageRequest; readonly half: HalfSignIn; readonly problem?: SecondFactorProblem },
): HttpResponse {
  const { asked, half, problem } = about
  const { signedIn, interaction } = asked
  const { first, factors, attemptId, pending, next } = half
  const form = bindForm(core, http, { purpose: purposeOf('second-factor', interaction), signedIn })
  const view = secondFactorPage(presentationFor(core, http, pending?.request.uiLocales), {
    action: '/second-factor',
    hidden: [
      form.field,
      ...(attemptId === undefined ? [] : [{ name: 'attempt', value: attemptId }]),
      ...(interaction === undefined ? [] : [{ name: 'interaction', value: interaction }]),
      ...(attemptId !== undefined || next === undefined ? [] : [{ name: 'next', value: next }]),
    ],
    person: first.user,
    ...(pending === undefined ? {} : { requester: requesterOf(pending.to.client, pending.to.target) }),
    ...(hasSecondFactor(factors)
      ? {}
      : { enrol: `/account/authenticator${interaction === undefined ? '' : `?interaction=${interaction}`}` }),
    ...(passkeysOf(factors).length > 0 && {
      passkey: passkeyRequest(core, { browser: form.browser, purpose: challengeOf(half), ...(factors && { factors }) }),
    }),
    problem,
  })
  return withHeaders(view, form.setCookie)
}

type Shown = { readonly half: HalfSignIn; readonly typed: Parameters }

function byCode(core: Core, http: HttpRequest, { half, typed }: Shown): Promise<FactorProof | Refusal> {
  return verifyCode(core, {
    user: half.first.user,
    code: typed.get('code') ?? '',
    address: http.peer.address,
    attemptId: half.attemptId,
    devices: readKnownDevices(core, http),
  })
}

function byPasskey(core: Core, http: HttpRequest, { half, typed }: Shown): Promise<FactorProof | Refusal> {
  return proveByPasskey(core, http, {
    userId: half.first.user.userId,
    text: typed.get('credential') ?? '',
    purpose: challengeOf(half),
    attemptId: half.attemptId,
  })
}

/** What a challenge on this page is for: this half sign-in, or this session. */
function challengeOf({ attemptId, first }: HalfSignIn): string {
  return `second factor ${attemptId ?? first.previous?.sessionId ?? ''}`
}
