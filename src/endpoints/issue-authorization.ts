import { eventWrite, type Happening } from '../audit/event-write.ts'
import { consentId } from '../domain/consent.ts'
import { epochOf } from '../domain/epoch.ts'
import type { Grant } from '../domain/grant.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { check, create, put, ref, remove, type Write } from '../domain/record.ts'
import { toldContext } from '../domain/needed-context.ts'
import { authenticationOf, rootOf } from '../domain/session-state.ts'
import { coversRequest, widenConsent } from '../domain/remembers-consent.ts'
import { requestedClaims } from '../domain/requested-claims.ts'
import { freshImprint, prepareIssue, targetOf } from '../grants/issue.ts'
import { refuseTooLarge } from '../grants/refuse-too-large.ts'
import { staleInteractionPage } from '../pages/stale-interaction-page.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Pair } from '../protocol/parameters.ts'
import { printScope } from '../protocol/scope.ts'
import { transition } from '../store/transition.ts'
import { printCode } from '../tokens/code.ts'
import { refuseToClient, replyToClient } from './authorization-response.ts'
import type { Core } from './core.ts'
import type { Pending } from './interactions.ts'
import { presentationFor } from './presentation.ts'
import { seeOther } from './respond.ts'

export type Authorization = {
  readonly pending: Pending
  readonly signedIn: SignedIn
  /** What the person agreed to, now or before. */
  readonly scope: readonly string[]
  /** He agreed just now: remember it in the same commit. */
  readonly agreed?: boolean
}

/** The end of an authorization request: one commit makes the grant, remembers the consent and uses up the parked request. */
export async function issueAuthorization(
  core: Core,
  http: HttpRequest,
  authorization: Authorization,
): Promise<HttpResponse> {
  const { pending, signedIn, scope } = authorization
  const { request, to } = pending
  if (scope.length === 0 && request.scope.length > 0) {
    return refuseToClient(core, http, { to, refusal: refuse('access_denied', 'scope_not_allowed') })
  }
  const made =
    request.responseType === 'code'
      ? await codeFor(core, http, authorization)
      : await tokenFor(core, http, authorization).catch(refuseTooLarge)
  if (isRefusal(made)) return refuseToClient(core, http, { to, refusal: made })
  const { parked } = pending
  const { sessionId, user } = signedIn
  const refs = {
    ...(parked !== undefined && { interaction: ref('interaction', parked.id) }),
    session: ref('session', sessionId),
    consent: ref('consent', consentId(user.userId, to.client.clientId)),
  }
  const outcome = await transition(core.transition, refs, ({ interaction, session, consent }, now) => {
    // The second click on the same page finds it used up, and makes nothing.
    if (interaction !== undefined && interaction.value === undefined) return { writes: [], result: 'used up' }
    const usedUp = interaction === undefined ? [] : remove(interaction)
    // Signing out and withdrawing end what they find: what comes to be after them must not (L4).
    if (session.value === undefined || session.value.ended !== undefined) return { writes: [], result: 'overtaken' }
    if (authorization.agreed !== true) {
      if (!coversRequest(consent.value, { user, client: to.client, request: { ...request, scope } }))
        return { writes: [], result: 'overtaken' }
      return { writes: [...usedUp, check(session), check(consent), ...made.writes], result: 'done' }
    }
    const remembered = widenConsent(consent.value, {
      userId: user.userId,
      clientId: to.client.clientId,
      scope,
      resources: request.resources,
      claims: requestedClaims(request.claims),
      epoch: user.epoch,
      givenAt: now,
    })
    const agreed = [
      put(consent, remembered, {
        expiresAt: now + lifetimes.consent,
        owners: [user.userId, `client:${to.client.clientId}`],
      }),
      eventWrite(core, happening(authorization, http, 'consent.given')),
    ]
    return { writes: [...usedUp, check(session), ...agreed, ...made.writes], result: 'done' }
  })
  if (outcome === 'overtaken') {
    // Once more, with what is stored now: this node may not have heard of it yet.
    core.directory.forget([ref('instance', 'self'), ref('user', user.userId), ref('client', to.client.clientId)])
    return seeOther(
      parked === undefined ? `${http.path}?${http.query}` : `/oauth/authorize/resume?interaction=${parked.id}`,
    )
  }
  if (outcome === 'used up') return staleInteractionPage(presentationFor(core, http), { status: 400 })
  // Whoever used it up, once: many answers to one page at once give nothing back but one place.
  if (parked !== undefined) core.limits.forgive('park', [http.peer.address])
  // A node that lost sight of the store hands out nothing, though what it made is kept: nobody holds it.
  core.directory.assertFresh()
  core.observer.authorized(to.client.clientId, request)
  return replyToClient(core, http, { to, pairs: made.pairs })
}

type Made = { readonly writes: readonly Write[]; readonly pairs: readonly Pair[] }

/** An authorization code (RFC 6749 §4.1.2). */
async function codeFor(core: Core, http: HttpRequest, authorization: Authorization): Promise<Made | Refusal> {
  const { request } = authorization.pending
  if (request.codeChallenge === undefined) return refuse('invalid_request', 'pkce_missing')
  const now = core.clock.seconds()
  const grantId = core.random.id(core.clock.millis())
  const imprint = freshImprint(core)
  const grant: Grant = {
    ...(await grantFor(core, authorization, now)),
    code: {
      ...imprint,
      redirectUri: request.redirectUri,
      codeChallenge: request.codeChallenge,
      expiresAt: now + lifetimes.code,
    },
  }
  return {
    writes: [
      create(ref('grant', grantId), grant, { owners: ownersOf(authorization), expiresAt: now + lifetimes.code }),
      eventWrite(core, { ...happening(authorization, http, 'code.issued'), grantId }),
    ],
    pairs: [['code', printCode(core.keys, { recordId: grantId, generation: 0, imprint })]],
  }
}

/** Implicit (RFC 6749 §4.2), behind its legacy switch: a short token in the fragment, never a refresh token. */
async function tokenFor(core: Core, http: HttpRequest, authorization: Authorization): Promise<Made | Refusal> {
  const { pending, signedIn, scope } = authorization
  const { request, to } = pending
  const held = { scope, resources: request.resources, user: signedIn.user }
  const target = await targetOf(core, { scope: undefined, resources: [] }, held)
  if (isRefusal(target)) return target
  const now = core.clock.seconds()
  const grantId = core.random.id(core.clock.millis())
  const issuing = await prepareIssue(core, {
    client: to.client,
    user: signedIn.user,
    target,
    grantId,
    grantType: 'implicit',
    now,
    address: http.peer.address,
  })
  const grant = await grantFor(core, authorization, now)
  const minted = issuing.mint(grant)
  return {
    writes: [
      create(ref('grant', grantId), grant, {
        owners: ownersOf(authorization),
        expiresAt: now + lifetimes.longestAccessToken,
      }),
      issuing.record,
    ],
    pairs: [
      ['access_token', minted.accessToken],
      ['token_type', 'Bearer'],
      ['expires_in', String(minted.expiresIn)],
      ['scope', printScope(target.scope)],
    ],
  }
}

async function grantFor(core: Core, { pending, signedIn, scope }: Authorization, now: number): Promise<Grant> {
  const { request, to } = pending
  const { session, user } = signedIn
  return {
    v: 1,
    clientId: to.client.clientId,
    userId: user.userId,
    scope,
    resources: request.resources,
    epoch: epochOf(await core.directory.instance(), user, to.client),
    createdAt: now,
    // OIDC Core §11: offline_access is what lets a client go on when its person has gone.
    ...(scope.includes('offline_access') ? {} : { endsAt: session.absoluteExpiresAt }),
    authentication: { ...authenticationOf(signedIn), acr: toldContext(session, request) },
    ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
    ...(request.claims === undefined ? {} : { claims: request.claims }),
  }
}

function ownersOf({ pending, signedIn }: Authorization): readonly string[] {
  return [
    signedIn.user.userId,
    `client:${pending.to.client.clientId}`,
    `session:${rootOf(signedIn.sessionId, signedIn.session)}`,
  ]
}

function happening({ pending, signedIn, scope }: Authorization, http: HttpRequest, type: Happening['type']): Happening {
  return {
    type,
    clientId: pending.to.client.clientId,
    userId: signedIn.user.userId,
    sessionId: signedIn.sessionId,
    scope: printScope(scope),
    address: http.peer.address,
  }
}
