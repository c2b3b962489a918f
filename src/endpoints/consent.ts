import { eventWrite } from '../audit/event-write.ts'
import { recordRefusal } from '../audit/refusals.ts'
import { ref, remove } from '../domain/record.ts'
import type { AuthorizationRequest } from '../domain/interaction.ts'
import type { SignedIn } from '../domain/next-step.ts'
import type { Resource } from '../domain/resource.ts'
import { claimsWithin, scopesOfClaims } from '../domain/requested-claims.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { consentPage, type ConsentLifetime } from '../pages/consent-page.ts'
import type { ScopeWish } from '../pages/scope-words.ts'
import { staleInteractionPage } from '../pages/stale-interaction-page.ts'
import { refuse } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { printScope } from '../protocol/scope.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { bindForm } from '../signin/form-guard.ts'
import { transition } from '../store/transition.ts'
import { refuseToClient } from './authorization-response.ts'
import type { Core } from './core.ts'
import { takeUp, type Parked } from './interactions.ts'
import { issueAuthorization } from './issue-authorization.ts'
import { presentationFor, requesterOf, withHeaders } from './presentation.ts'
import { allowedScope, proceed, stepOf } from './proceed.ts'
import { purposeOf, readPageRequest } from './read-page-request.ts'

/** The consent page, only where it is what the request needs: anything else goes to its own page. */
export function createConsentPageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'consent')
    if ('status' in asked) return asked
    const { signedIn, interaction } = asked
    const pending = await takeUp(core, http, interaction)
    if ('status' in pending) return pending
    const step = await stepOf(core, { pending, signedIn })
    if (step.step !== 'consent') return proceed(core, http, { pending, signedIn })
    return show(core, http, { pending, signedIn: step.signedIn })
  }
}

/** The answer to the consent page. What was asked stands in the parked request; the form can only take away (B24). */
export function createConsentEndpoint(core: Core): Endpoint {
  return async (http) => {
    const form = await readPageRequest(core, http, 'consent')
    if ('status' in form) return form
    const { parameters, interaction } = form
    const pending = await takeUp(core, http, interaction)
    if ('status' in pending) return pending
    const step = await stepOf(core, { pending, signedIn: form.signedIn })
    if (step.step !== 'consent') return proceed(core, http, { pending, signedIn: form.signedIn })
    const { signedIn } = step

    const decision = parameters.get('decision')
    if (decision === 'deny') return deny(core, http, { pending, signedIn })
    if (decision !== 'allow') return show(core, http, { pending, signedIn })
    const asked = await allowedScope(core, pending, signedIn)
    const beside = scopesOfClaims(pending.request.claims)
    const ticked = new Set(parameters.all('scope').flatMap((text) => text.split(' ')))
    if ([...ticked].some((scope) => !asked.includes(scope) && !beside.includes(scope))) {
      const about = { clientId: pending.to.client.clientId, address: http.peer.address }
      core.observer.refused('consent', refuse('invalid_scope', 'scope_not_allowed'), about)
      const who = { userId: signedIn.user.userId, sessionId: signedIn.sessionId }
      await recordRefusal(core, { type: 'consent.altered', reason: 'scope_not_allowed', ...about, ...who })
    }
    const scope = asked.filter((name) => name === 'openid' || ticked.has(name))
    const agreed = { ...pending, request: withClaimsOf(pending.request, [...ticked]) }
    return issueAuthorization(core, http, { pending: agreed, signedIn, scope, agreed: true })
  }
}

/** Claims that were asked for one by one are allowed with the box of their scope. */
function withClaimsOf(request: AuthorizationRequest, ticked: readonly string[]): AuthorizationRequest {
  return request.claims === undefined ? request : { ...request, claims: claimsWithin(request.claims, ticked) }
}

async function deny(
  core: Core,
  http: HttpRequest,
  { pending, signedIn }: { readonly pending: Parked; readonly signedIn: SignedIn },
): Promise<HttpResponse> {
  const { to, parked, request } = pending
  const denied = eventWrite(core, {
    type: 'consent.denied',
    clientId: to.client.clientId,
    userId: signedIn.user.userId,
    sessionId: signedIn.sessionId,
    scope: printScope(request.scope),
    address: http.peer.address,
  })
  const answered = await transition(
    core.transition,
    { interaction: ref('interaction', parked.id) },
    ({ interaction }) =>
      interaction.value === undefined
        ? { writes: [], result: false }
        : { writes: [...remove(interaction), denied], result: true },
  )
  if (!answered) return staleInteractionPage(presentationFor(core, http), { status: 400 })
  core.limits.forgive('park', [http.peer.address])
  return refuseToClient(core, http, { to, refusal: refuse('access_denied', 'consent_denied') })
}

async function show(
  core: Core,
  http: HttpRequest,
  { pending, signedIn }: { readonly pending: Parked; readonly signedIn: SignedIn },
): Promise<HttpResponse> {
  const { request, to, parked } = pending
  const { id } = parked
  // Another tab may sign somebody else in: the form is this session's alone, so what one person was shown nobody else agrees to (B22).
  const form = bindForm(core, http, { purpose: purposeOf('consent', id), signedIn })
  const scope = await allowedScope(core, pending, signedIn)
  const apis = await apisOf(core, request)
  const view = consentPage(presentationFor(core, http, request.uiLocales), {
    action: '/consent',
    hidden: [form.field, { name: 'interaction', value: id }],
    requester: requesterOf(to.client, to.target),
    person: signedIn.user,
    otherAccount: `/signin?interaction=${id}`,
    scopes: wishes(request, scope, apis),
    apis: apis.filter((api) => !scope.some((name) => api.scope.includes(name))).map(nameOf),
    lifetime: lifetimeOf(pending, signedIn, core.clock.seconds()),
  })
  return withHeaders(view, form.setCookie)
}

/** How long the client can go on with what it is given now. */
function lifetimeOf({ request, to }: Parked, { session }: SignedIn, now: EpochSeconds): ConsentLifetime {
  if (request.responseType === 'token') return { kind: 'for', seconds: lifetimes.implicitAccessToken }
  if (!to.client.grantTypes.includes('refresh_token')) return { kind: 'for', seconds: lifetimes.accessToken }
  return request.scope.includes('offline_access')
    ? { kind: 'until_withdrawn', atMost: lifetimes.refreshAbsolute }
    : { kind: 'until_sign_out', atMost: session.absoluteExpiresAt - now }
}

/** The APIs that are asked for, without this server, which none is. */
async function apisOf(core: Core, { resources }: AuthorizationRequest): Promise<readonly Resource[]> {
  const found = await Promise.all(resources.map(async (resource) => core.directory.resource(resource)))
  return found.filter((api) => api !== undefined)
}

const nameOf = (api: Resource): string => api.name ?? api.resource

/** What an API says about a scope; nobody's own property is a description (`constructor`). */
function wordsOf({ scopeDescriptions = {} }: Resource, scope: string): string | undefined {
  return Object.hasOwn(scopeDescriptions, scope) ? scopeDescriptions[scope] : undefined
}

/** Each scope with the APIs that it is for, where it isn't ours; and those by which single claims are said in words. */
function wishes(
  { claims }: AuthorizationRequest,
  scope: readonly string[],
  apis: readonly Resource[],
): readonly ScopeWish[] {
  const asked = scope.map((name): ScopeWish => {
    const knowing = apis.filter((api) => api.scope.includes(name))
    return {
      scope: name,
      ...(knowing.length > 0 && {
        resources: knowing.map((api) => ({ name: nameOf(api), description: wordsOf(api, name) })),
      }),
      ...(name === 'openid' && { required: true }),
    }
  })
  const beside = scopesOfClaims(claims).filter((name) => !scope.includes(name))
  return [...asked, ...beside.map((name): ScopeWish => ({ scope: name }))]
}
