import { findFactors } from '../accounts/find-factors.ts'
import { reachesRole, type Actor } from '../domain/authority.ts'
import { hasSecondFactor } from '../domain/factors.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { scopeAllowedTo } from '../domain/narrow.ts'
import { isRecentSignIn } from '../domain/session-state.ts'
import type { User } from '../domain/user.ts'
import { parseBearerAuthorization } from '../protocol/bearer.ts'
import { bearerChallenge } from '../protocol/challenge.ts'
import { describe, isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest } from '../protocol/http.ts'
import { problem } from '../protocol/problem.ts'
import { isReservedScope } from '../protocol/scope.ts'
import { callOf } from '../sender/call-of.ts'
import { liveToken, type LiveToken } from '../sender/live-token.ts'
import { usedElsewhere } from '../sender/used-elsewhere.ts'
import type { ApiContext } from './context.ts'
import type { Operation } from './operation.ts'
import type { Policy } from './policy.ts'
import type { Rejected } from './result.ts'
import { admitSigner, type Signer } from './signer.ts'

type Person = Extract<Actor, { readonly kind: 'user' }>
type Program = Extract<Actor, { readonly kind: 'client' }>

/** Who makes a call, once its policy has let him in. */
export type Caller =
  | { readonly who: 'anybody' }
  | { readonly who: 'bearer'; readonly live: LiveToken; readonly scopes: readonly string[] }
  | { readonly who: 'oneself'; readonly live: LiveToken; readonly actor: Person; readonly user: User }
  | { readonly who: 'owner'; readonly live: LiveToken; readonly actor: Person | Program }
  | { readonly who: 'holder'; readonly live: LiveToken; readonly actor: Person | Program }
  | Signer
  | { readonly who: 'administrator'; readonly live: LiveToken; readonly actor: Person | Program }

/** The caller that a policy lets in. */
export type CallerOf<P extends Policy> = Extract<Caller, { readonly who: P['who'] }>

const realm = 'gatehouse'

/**
 * Lets a caller in, or not, by what his token proves and by what is stored about him now; nothing else of the request is
 * looked at. In this order: a token, alive, for this server, its scope, its person, his role.
 */
export async function admit(
  context: ApiContext,
  request: HttpRequest,
  { policy, id }: Pick<Operation, 'policy' | 'id'>,
): Promise<Caller | Rejected> {
  if (policy.who === 'anybody') return { who: 'anybody' }
  if (policy.who === 'signer') return admitSigner(context, request, policy)
  const live = await presentedToken(context, request, id)
  if (isRefusal(live)) return unauthorized(context, request, live)
  const elsewhere = usedElsewhere(context, request, live.client)
  if (elsewhere !== undefined) return unauthorized(context, request, elsewhere)
  // A token for somebody else's API is no key to this one, not even beside us (RFC 8725 §3.9, RFC 8707 §2).
  if (live.claims.aud.length !== 1 || live.claims.aud[0] !== context.issuer) {
    return unauthorized(context, request, refuse('invalid_token', 'token_audience'))
  }
  const scopes = heldScopes(live)
  if (policy.who === 'bearer') return { who: 'bearer', live, scopes }
  const enough = policy.who === 'owner' && live.user === undefined ? policy.clientScopes : policy.scopes
  if (!enough.some((scope) => scopes.includes(scope))) {
    return forbidden(context, request, { live, refusal: insufficientScope(enough), scopes: enough })
  }
  const { user, client } = live
  const actor: Person | Program =
    user === undefined ? { kind: 'client', client, scopes } : { kind: 'user', user, scopes }
  if (policy.who === 'holder' || policy.who === 'owner') return { who: policy.who, live, actor }
  if (policy.who === 'oneself') {
    if (actor.kind === 'user') return { who: 'oneself', live, actor, user: actor.user }
    return forbidden(context, request, {
      live,
      refusal: refuse(
        'access_denied',
        'user_not_allowed',
        'the token is of a client that acts for itself; this call is about a person',
      ),
    })
  }
  // The role is the stored one: what a token said about it might be old. A client stands where an admin stands.
  if (!reachesRole(actor.kind === 'user' ? actor.user.role : 'admin', policy.role)) {
    return forbidden(context, request, {
      live,
      refusal: refuse('access_denied', 'role_too_low', `this takes the role ${policy.role}`),
    })
  }
  return { who: 'administrator', live, actor }
}

/** Who acts with a token: a sign-in may stand behind it. */
function isActing(caller: Caller): caller is Extract<Caller, { readonly live: LiveToken; readonly actor: Actor }> {
  return 'live' in caller && 'actor' in caller
}

/** Why a call comes too long after its person signed in, or after too little of a sign-in; nothing if it doesn't. */
export async function staleSignIn(
  context: ApiContext,
  { policy, caller, named }: { readonly policy: Policy; readonly caller: Caller; readonly named: readonly string[] },
): Promise<Rejected | undefined> {
  if (!('recentSignIn' in policy) || !isActing(caller) || caller.actor.kind === 'client') return undefined
  const { recentSignIn } = policy
  const needed =
    recentSignIn === 'always' || (recentSignIn !== 'never' && recentSignIn.some((field) => named.includes(field)))
  if (!needed) return undefined
  if (signedInJustNow(context, caller)) return weakSignIn(context, caller)
  const refusal = refuse('insufficient_user_authentication', 'recent_sign_in')
  return {
    refused: problem('recent_sign_in_needed', {
      detail: `sign in again and repeat the call within ${lifetimes.recentSignIn / 60} minutes (max_age=${lifetimes.recentSignIn} in the authorization request)`,
    }),
    // RFC 9470 §3: with this a client knows what to ask of the authorization endpoint.
    challenge: `${bearerChallenge(realm, refusal)}, max_age="${lifetimes.recentSignIn}"`,
  }
}

/**
 * Why a sign-in with the first factor alone isn't enough of somebody who has a second; nothing if it is. Whoever signed in before
 * there was one may have known the password and no more.
 */
export async function weakSignIn(context: ApiContext, caller: Caller): Promise<Rejected | undefined> {
  if (!isActing(caller) || caller.actor.kind === 'client') return undefined
  const { acr } = caller.live.claims
  if (acr === 'mfa' || acr === 'phr') return undefined
  // No sign-in stands behind a token that somebody made for a program: of others it may change what its maker let it, of him nothing
  // that he must show a second factor for himself.
  if (acr === undefined && caller.who !== 'oneself') return undefined
  if (!hasSecondFactor(await findFactors(context, caller.actor.user.userId))) return undefined
  const refusal = refuse('insufficient_user_authentication', 'second_factor_needed')
  return {
    refused: problem('recent_sign_in_needed', {
      detail: 'this takes a sign-in with your second factor (acr_values=mfa in the authorization request)',
    }),
    challenge: `${bearerChallenge(realm, refusal)}, acr_values="mfa"`,
  }
}

function signedInJustNow(context: ApiContext, { who, live }: Extract<Caller, { readonly live: LiveToken }>): boolean {
  const { authTime, acr, caveats } = live.claims
  // No sign-in stands behind a token that somebody made for a program: making it was the deed that took one. Where one does,
  // and nobody knows when it was, it isn't recent. Asked before the client: that of such tokens may work on this machine alone.
  if (authTime === undefined) return who === 'administrator' && acr === undefined
  // Anybody may have been handed a macaroon, and what such a call makes outlives it: the sign-in in it is its first holder's.
  if (caveats !== undefined) return false
  if (asksForPassword(live)) return true
  return isRecentSignIn(authTime, context.clock.seconds())
}

/** The command line of this machine asks for the password each time that it has no token. Any other tool there may have a session of this morning behind it. */
function asksForPassword({ client }: LiveToken): boolean {
  const { loopbackOnly, grantTypes } = client
  return loopbackOnly && grantTypes.includes('password') && grantTypes.every((type) => byPassword.includes(type))
}

const byPassword: readonly string[] = ['password', 'refresh_token']

async function presentedToken(context: ApiContext, request: HttpRequest, id: string): Promise<LiveToken | Refusal> {
  const authorization = request.headers['authorization']
  if (authorization === undefined) return refuse('invalid_token', 'credentials_missing')
  const text = parseBearerAuthorization(authorization)
  return isRefusal(text) ? text : liveToken(context, text, callOf(id, request))
}

/** What the token may do now: a power over this server that client or account has lost since is gone from its tokens at once. */
function heldScopes({ claims, client, user }: LiveToken): readonly string[] {
  return claims.scope.filter(
    (scope) =>
      !isReservedScope(scope) ||
      (client.scope.includes(scope) && (user === undefined || scopeAllowedTo(user, scope, undefined))),
  )
}

/** One answer for every token that isn't good here: what is wrong with it goes into the log alone. */
function unauthorized(context: ApiContext, request: HttpRequest, refusal: Refusal): Rejected {
  context.observer.refused('api', refusal, { address: request.peer.address })
  const missing = refusal.reason === 'credentials_missing'
  return {
    refused: problem('invalid_token', {
      detail: missing
        ? 'send an access token: Authorization: Bearer …'
        : 'the access token is malformed, expired, revoked or for another API; get a new one, without a resource parameter',
    }),
    // RFC 6750 §3.1: without a token there is no error to name.
    challenge: bearerChallenge(realm, missing ? undefined : refusal),
  }
}

function forbidden(
  context: ApiContext,
  request: HttpRequest,
  {
    live,
    refusal,
    scopes,
  }: { readonly live: LiveToken; readonly refusal: Refusal; readonly scopes?: readonly string[] },
): Rejected {
  context.observer.refused('api', refusal, { address: request.peer.address, clientId: live.claims.clientId })
  const detail = describe(refusal)
  if (scopes === undefined) return { refused: problem('forbidden', { detail }) }
  return { refused: problem('insufficient_scope', { detail }), challenge: bearerChallenge(realm, refusal, scopes[0]) }
}

function insufficientScope(scopes: readonly string[]): Refusal {
  return refuse(
    'insufficient_scope',
    'token_scope',
    `the access token needs the scope ${scopes.join(' or ')}, and whoever it is for must still hold it`,
  )
}
