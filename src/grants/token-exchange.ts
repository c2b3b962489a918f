import { eventWrite } from '../audit/event-write.ts'
import type { Provider } from '../config/provider.ts'
import type { Client } from '../domain/client.ts'
import { isHeld } from '../domain/connection.ts'
import { scopeAllowedTo } from '../domain/narrow.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import { tokenExchangeGrant } from '../protocol/grant-type.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { isSubset, parseScope } from '../protocol/scope.ts'
import { liveToken, type LiveToken } from '../sender/live-token.ts'
import { usedElsewhere } from '../sender/used-elsewhere.ts'
import { listAll } from '../store/list-all.ts'
import { commitNew } from '../store/transition.ts'
import { agreed, vaultScope } from '../vault/agreed.ts'
import { refusalOf } from '../vault/pick-up.ts'
import type { GrantContext } from './context.ts'
import type { ClientRequest, GrantType } from './grant-type.ts'

/** RFC 8693 §3 */
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/**
 * Token exchange (RFC 8693): a user's access token that was shown to an API becomes that user's token at a provider; never a refresh
 * token. Of the API as a client, in this order: it is confidential, the token holds and is for it and for this provider, and the
 * user has agreed to this very client (L14), or for a site's own credential, the operator has.
 */
export const tokenExchange: GrantType = {
  name: tokenExchangeGrant,
  async exchange(context, request) {
    const { client, parameters, http } = request
    if (client.authentication.method === 'none') return refuse('unauthorized_client', 'grant_type_not_allowed')
    const unsupported = refuseUnsupported(parameters)
    if (unsupported !== undefined) return unsupported
    const provider = context.upstream.providers.get(parameters.get('audience') ?? '')
    if (provider === undefined) return noTarget
    const live = await subjectToken(context, request, provider)
    if (isRefusal(live)) return live
    const connection = await chooseConnection(context, { provider, client, parameters, user: live.user })
    if (isRefusal(connection)) return connection

    const fresh = await context.vault.freshToken({ connection: connection.id })
    if (fresh.outcome === 'unknown' || fresh.outcome === 'revoked') return noTarget
    if (fresh.outcome !== 'token') return refusalOf(fresh)
    const scopeText = parameters.get('scope')
    const scope = scopeText === undefined ? [] : parseScope(scopeText)
    if (isRefusal(scope)) return scope
    if (!isSubset(scope, fresh.scopes)) return refuse('invalid_scope', 'scope_not_held')
    const event = eventWrite(context, {
      type: 'connection.fetched',
      userId: live.user.userId,
      clientId: client.clientId,
      grantType: tokenExchangeGrant,
      grantId: live.claims.gid,
      jti: live.claims.jti,
      target: connection.id,
      address: http.peer.address,
    })
    await commitNew(context.transition, [event])
    const { accessToken, scopes, expiresAt } = fresh
    return {
      upstream: accessToken,
      scope: scopes,
      ...(expiresAt !== undefined && { expiresIn: Math.max(0, expiresAt - context.clock.seconds()) }),
    }
  },
}

/** RFC 8693 §2.2.2: the provider isn't there, or isn't for this client and this person; which of them is nobody's business. */
const noTarget = refuse(
  'invalid_target',
  'exchange_target',
  'audience names no provider of which this client may have a token of this person; he connects at /vault/connect',
)

/** Types and parties that aren't known here are refused, never left out. */
function refuseUnsupported(parameters: Parameters): Refusal | undefined {
  const wrong = (hint: string) => refuse('invalid_request', 'exchange_unsupported', hint)
  if (parameters.get('subject_token') === undefined) return wrong('subject_token is missing')
  if (parameters.get('subject_token_type') !== accessTokenType)
    return wrong(`subject_token_type must be ${accessTokenType}`)
  const wanted = parameters.get('requested_token_type')
  if (wanted !== undefined && wanted !== accessTokenType)
    return wrong(`requested_token_type must be ${accessTokenType}`)
  if (parameters.get('actor_token') !== undefined || parameters.get('actor_token_type') !== undefined)
    return wrong('an actor_token is not taken: the client itself acts')
  if (parameters.all('resource').length > 0) return wrong('name the provider as audience, and no resource')
  return undefined
}

/** RFC 8693 §2.2.2: whatever is wrong with the subject token is `invalid_request`, in the same words. */
const badSubject = (reason: Refusal['reason']) =>
  refuse('invalid_request', reason, 'the subject token does not hold, or not for this client and this provider')

/**
 * The token of a person that was shown to the client as an API. One with a key of its own (`cnf`) is none: nobody checks a proof of
 * it here (docs/decisions/0017).
 */
async function subjectToken(
  context: GrantContext,
  { client, parameters, http }: ClientRequest,
  provider: Provider,
): Promise<(LiveToken & { readonly user: User }) | Refusal> {
  const live = await liveToken(context, parameters.get('subject_token') ?? '')
  if (isRefusal(live)) return badSubject(live.reason)
  const elsewhere = usedElsewhere(context, http, live.client)
  if (elsewhere !== undefined) return badSubject(elsewhere.reason)
  const { claims, user } = live
  if (user === undefined) return badSubject('user_unknown')
  const [audience = '', ...others] = claims.aud
  const resource = others.length > 0 ? undefined : await context.directory.resource(audience)
  const isForIt =
    resource !== undefined && !resource.disabled && resource.introspectionClients.includes(client.clientId)
  if (!isForIt) return badSubject('token_audience')
  const needed = vaultScope(provider.name)
  // What the client behind the token, the API or the person has lost since is gone from its tokens at once.
  const holds = [claims.scope, live.client.scope, resource.scope].every((scope) => scope.includes(needed))
  return holds && scopeAllowedTo(user, needed, resource) ? { ...live, user } : badSubject('token_scope')
}

/** The person's connection to the provider that this client may use: the one that is named, or the only one. */
async function chooseConnection(
  context: GrantContext,
  asked: {
    readonly provider: Provider
    readonly client: Client
    readonly parameters: Parameters
    readonly user: User
  },
): Promise<{ readonly id: string } | Refusal> {
  const { provider, client, parameters, user } = asked
  const owner = { kind: 'user', userId: user.userId } as const
  const mayHave = await agreed(context, { owner, provider: provider.name }, client.clientId)
  if (!mayHave) return noTarget
  const named = parameters.get('connection')
  const found: string[] = []
  for await (const record of listAll(context.transition.store, 'connection', user.userId)) {
    if ((named === undefined || record.id === named) && isUsable(record, { provider, user })) found.push(record.id)
  }
  const [id] = found
  if (id === undefined) return noTarget
  return found.length === 1
    ? { id }
    : refuse(
        'invalid_target',
        'exchange_target',
        'there are several connections to that provider: name one as connection',
      )
}

function isUsable(
  { value }: StoredRecord<'connection'>,
  { provider, user }: { readonly provider: Provider; readonly user: User },
): boolean {
  return (
    isHeld(value) &&
    value.provider === provider.name &&
    value.owner.kind === 'user' &&
    value.owner.userId === user.userId
  )
}
