import { consentId } from '../domain/consent.ts'
import { scopeAllowedTo } from '../domain/narrow.ts'
import { nextStep, type SignedIn } from '../domain/next-step.ts'
import { ref } from '../domain/record.ts'
import { refuse } from '../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import { readAlive } from '../store/read-alive.ts'
import { refuseToClient } from './authorization-response.ts'
import type { Core } from './core.ts'
import { park, type Pending } from './interactions.ts'
import { issueAuthorization } from './issue-authorization.ts'
import { seeOther } from './respond.ts'

/** The page that each step needs. */
const pages = { 'sign-in': '/signin', 'choose-account': '/continue', consent: '/consent' } as const

/** Take an authorization request as far as it goes without its person, and send him to the page that it needs next. */
export async function proceed(
  core: Core,
  http: HttpRequest,
  pending: Pending,
  signedIn: SignedIn | undefined,
): Promise<HttpResponse> {
  const step = await stepOf(core, pending, signedIn)
  if (step.step === 'refuse') return refuseToClient(core, http, pending.to, refuse(step.error, step.reason))
  if (step.step === 'issue' && signedIn !== undefined) {
    return issueAuthorization(core, http, { pending, signedIn, scope: allowedScope(pending, signedIn) })
  }
  const path = step.step === 'issue' ? pages['sign-in'] : pages[step.step]
  return pending.parked === undefined
    ? park(core, http, pending.request, path)
    : seeOther(`${path}?interaction=${pending.parked.id}`)
}

/** What a request needs next, from what is stored now. */
export async function stepOf(core: Core, pending: Pending, signedIn: SignedIn | undefined) {
  const { request, to, parked } = pending
  const now = core.clock.seconds()
  const consent =
    signedIn === undefined
      ? undefined
      : await readAlive(core.transition.store, ref('consent', consentId(signedIn.user.userId, to.client.clientId)), now)
  const asked = signedIn === undefined ? request : { ...request, scope: allowedScope(pending, signedIn) }
  return nextStep({ request: asked, client: to.client, signedIn, consent, progress: parked?.interaction, now })
}

/** What this account may give at all: the rest of the request is dropped, not asked. */
export function allowedScope({ request }: Pending, { user }: SignedIn): readonly string[] {
  return request.scope.filter((scope) => scopeAllowedTo(user, scope))
}
