import { consentId } from '../domain/consent.ts'
import { scopeAllowedTo } from '../domain/narrow.ts'
import { nextStep, type SignedIn } from '../domain/next-step.ts'
import { ref } from '../domain/record.ts'
import { refuse } from '../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import { lookUp, recollect } from '../store/look-up.ts'
import { knowBrowser } from '../signin/browser.ts'
import { currentSession } from '../signin/session.ts'
import { refuseToClient } from './authorization-response.ts'
import { carry } from './carried-requests.ts'
import type { Core } from './core.ts'
import { park, type Pending } from './interactions.ts'
import { issueAuthorization } from './issue-authorization.ts'
import { seeOther } from './respond.ts'
import { asksAfresh, showSignIn } from './show-sign-in.ts'

/** The page that each step needs. */
const pages = {
  'sign-in': '/signin',
  'choose-account': '/continue',
  'second-factor': '/second-factor',
  consent: '/consent',
} as const

/** Take an authorization request as far as it goes without its person, and send him to the page that it needs next. */
export async function proceed(
  core: Core,
  http: HttpRequest,
  { pending, signedIn }: { readonly pending: Pending; readonly signedIn: SignedIn | undefined },
): Promise<HttpResponse> {
  const step = await stepOf(core, { pending, signedIn })
  if (step.step === 'refuse')
    return refuseToClient(core, http, { to: pending.to, refusal: refuse(step.error, step.reason) })
  if (step.step === 'issue') {
    return issueAuthorization(core, http, {
      pending,
      signedIn: step.signedIn,
      scope: await allowedScope(core, pending, step.signedIn),
    })
  }
  if (step.step === 'sign-in' && pending.parked === undefined) {
    const page = signInAtOnce(core, http, { pending, signedIn, again: signedIn !== undefined && asksAfresh(step) })
    if (page !== undefined) return page
  }
  const path = pages[step.step]
  return pending.parked === undefined
    ? park(core, http, { request: pending.request, path })
    : seeOther(`${path}?interaction=${pending.parked.id}`)
}

/** The sign-in page as the answer itself: no redirect, and no record for somebody who may never come. */
function signInAtOnce(
  core: Core,
  http: HttpRequest,
  about: { readonly pending: Pending; readonly signedIn: SignedIn | undefined; readonly again: boolean },
): HttpResponse | undefined {
  const { pending, signedIn, again } = about
  const browser = knowBrowser(core, http)
  const waiting = carry(core, pending, browser)
  if (waiting === undefined) return undefined
  const { loginHint } = pending.request
  const hint = loginHint === undefined ? {} : { username: loginHint }
  return showSignIn(core, http, { waiting, signedIn, next: undefined, again, browser, ...hint })
}

/**
 * The answer to a request that needs nothing of its person, from what this process remembers: the commit that makes the code
 * checks session and consent, which spares the commonest request of all its reads. Nothing, where it isn't that simple.
 */
export async function issueAtOnce(core: Core, http: HttpRequest, pending: Pending): Promise<HttpResponse | undefined> {
  const signedIn = await currentSession(core, http, recollect)
  const step = await stepOf(core, { pending, signedIn }, recollect)
  if (step.step !== 'issue') return undefined
  return issueAuthorization(core, http, {
    pending,
    signedIn: step.signedIn,
    scope: await allowedScope(core, pending, step.signedIn),
  })
}

/** What a request needs next, from what is stored now. */
export async function stepOf(
  core: Core,
  { pending, signedIn }: { readonly pending: Pending; readonly signedIn: SignedIn | undefined },
  look: typeof lookUp = lookUp,
) {
  const { request, to, parked } = pending
  const now = core.clock.seconds()
  const consent =
    signedIn === undefined
      ? undefined
      : await look(core.transition, ref('consent', consentId(signedIn.user.userId, to.client.clientId)), now)
  const asked = signedIn === undefined ? request : { ...request, scope: await allowedScope(core, pending, signedIn) }
  return nextStep({
    request: asked,
    client: to.client,
    signedIn,
    consent,
    progress: parked?.interaction,
    now,
    secondFactorRoles: core.usersPolicy().secondFactor ?? [],
  })
}

/** What this account may give at all: the rest of the request is dropped, not asked. */
export async function allowedScope(core: Core, { request }: Pending, { user }: SignedIn): Promise<readonly string[]> {
  const apis = await Promise.all(request.resources.map(async (resource) => core.directory.resource(resource)))
  return request.scope.filter((scope) => {
    const meant = apis.filter((api) => api?.scope.includes(scope))
    return (meant.length === 0 ? [undefined] : meant).some((api) => scopeAllowedTo(user, scope, api))
  })
}
