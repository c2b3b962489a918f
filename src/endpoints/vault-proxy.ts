import { eventWrite } from '../audit/event-write.ts'
import { mintedClientId } from '../accounts/minted-client.ts'
import type { Connection } from '../domain/connection.ts'
import { ref } from '../domain/record.ts'
import { isApiQuery } from '../protocol/api-path.ts'
import { parseBearerAuthorization } from '../protocol/bearer.ts'
import { describe, isRefusal, refuse, statusOf, throttled, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { liveToken, type LiveToken } from '../sender/live-token.ts'
import { usedElsewhere } from '../sender/used-elsewhere.ts'
import { readAlive } from '../store/read-alive.ts'
import { commitNew } from '../store/transition.ts'
import { agreed, vaultScope } from '../vault/agreed.ts'
import { callApi, type ApiCall, type ApiOutcome } from '../vault/call-api.ts'
import { createTurns } from '../vault/turns.ts'
import type { Core } from './core.ts'
import { json, retryAfter } from './respond.ts'
import { bearerError } from './userinfo.ts'

/** What stands before the id of a connection. */
export const vaultProxyPath = '/vault/proxy/'

/** Calls through one connection at once: enough for a busy program, and no way to make us hold answers for it without end. */
const callsAtOnce = 8

/** Through which connection, and where to at its provider. */
type Asked = { readonly connection: string; readonly path: string }

/**
 * The provider's API through a connection: the caller shows a token of ours, the provider sees one of its own, and neither ever sees
 * the other's (L15). In this order: where to, who, whose connection, how many at once.
 */
export function createVaultProxyEndpoint(core: Core): Endpoint {
  const turns = createTurns(callsAtOnce)
  return async (request) => {
    const answered = await answer(request)
    if (!isRefusal(answered)) return answered
    core.observer.refused('vault_proxy', answered, { address: request.peer.address })
    return proxyError(answered)
  }

  async function answer(request: HttpRequest): Promise<HttpResponse | Refusal> {
    const asked = readTarget(request)
    if (isRefusal(asked)) return asked
    const live = await presentedToken(core, request, asked)
    if (isRefusal(live)) return live
    const connection = await reachedConnection(core, asked.connection, live)
    if (isRefusal(connection)) return connection
    const call = callThrough(core, request, asked, connection)
    if (isRefusal(call)) return call
    const leave = turns.take(asked.connection)
    if (leave === undefined) return throttled(1)
    // Until the answer is said to its end, or nobody waits for it any more.
    call.request.passage.gone.addEventListener('abort', leave, { once: true })
    const { claims, user } = live
    const happening = {
      type: 'connection.called',
      clientId: claims.clientId,
      grantId: claims.gid,
      jti: claims.jti,
      ...(user !== undefined && { userId: user.userId }),
      target: asked.connection,
      address: request.peer.address,
    } as const
    await commitNew(core.transition, [eventWrite(core, happening)])
    core.directory.assertFresh()
    const outcome = await callApi({ ...core, freshToken: core.vault.freshToken }, call)
    return outcome.outcome === 'answer' ? outcome.answer : refusalOf(outcome)
  }
}

/** The shell has let no path through that could be read in two ways. */
function readTarget({ path, query, passage }: HttpRequest): Asked | Refusal {
  const [, connection, below] = /^\/vault\/proxy\/([^/]+)(\/.*)$/.exec(path) ?? []
  if (connection === undefined || below === undefined || passage === undefined)
    return refuse('invalid_request', 'api_malformed')
  if (!isApiQuery(query)) return refuse('invalid_request', 'api_malformed', 'the query holds what no query may hold')
  // L15: a credential of the caller's choice, or another method, would be his word against the caveats of his token.
  const names = query.split('&').map((pair) => pair.split('=', 1)[0]?.toLowerCase())
  if (names.some((name) => name === 'access_token' || name === '_method'))
    return refuse('invalid_request', 'api_malformed', 'neither access_token nor _method is passed on in a query')
  return { connection, path: below }
}

/** `Authorization` and nothing else: never a cookie, never the query (CONTRACT, vault). */
async function presentedToken(core: Core, request: HttpRequest, asked: Asked): Promise<LiveToken | Refusal> {
  const authorization = request.headers['authorization']
  if (authorization === undefined) return refuse('invalid_token', 'credentials_missing')
  const text = parseBearerAuthorization(authorization)
  if (isRefusal(text)) return text
  const live = await liveToken(core, text, {
    endpoint: 'vault_proxy',
    method: request.method,
    path: request.path,
    ip: request.peer.address,
    connection: { id: asked.connection, path: asked.path },
  })
  if (isRefusal(live)) return live
  const elsewhere = usedElsewhere(core, request, live.client)
  if (elsewhere !== undefined) return elsewhere
  // RFC 8725 §3.9: a token for somebody else's API is no key to this one.
  return live.claims.aud.length === 1 && live.claims.aud[0] === core.issuer
    ? live
    : refuse('invalid_token', 'token_audience')
}

const unknown = refuse('invalid_request', 'connection_unknown', 'there is no such connection')

/** The connection, if the token reaches it. L13: somebody else's is the same as none. */
async function reachedConnection(core: Core, id: string, live: LiveToken): Promise<Connection | Refusal> {
  const { claims, user, client } = live
  const madeFor = claims.extra?.['connection']
  const isCapability = client.clientId === mintedClientId && madeFor !== undefined
  if (!isCapability && !claims.scope.some((scope) => scope === 'vault' || scope.startsWith('vault:')))
    return refuse('insufficient_scope', 'token_scope', 'the scope vault is needed')
  const connection = await readAlive(core.transition.store, ref('connection', id), core.clock.seconds())
  if (connection === undefined) return unknown
  const { owner } = connection
  const isHis =
    user === undefined
      ? owner.kind === 'client' && owner.clientId === client.clientId
      : owner.kind === 'user' && owner.userId === user.userId
  if (!isHis) return unknown
  // Its owner made it for this very connection.
  if (isCapability) return madeFor === id ? connection : unknown
  if (!claims.scope.includes('vault') && !claims.scope.includes(vaultScope(connection.provider))) return unknown
  return (await agreed(core, connection, client.clientId)) ? connection : refuse('access_denied', 'connection_consent')
}

function callThrough(
  core: Core,
  request: HttpRequest,
  { connection: id, path }: Asked,
  connection: Connection,
): ApiCall | Refusal {
  const provider = core.upstream.providers.get(connection.provider)
  const { passage } = request
  if (provider === undefined || provider.kind === 'site-login' || provider.apiBase === undefined)
    return refuse(
      'invalid_request',
      'provider_no_api',
      'the provider of this connection has no API to call through here',
    )
  if (passage === undefined) return refuse('invalid_request', 'api_malformed')
  const { apiBase } = provider
  return {
    connection: id,
    provider: { ...provider, apiBase },
    request: { ...request, passage },
    path,
    here: `${vaultProxyPath}${id}`,
  }
}

function refusalOf(outcome: Exclude<ApiOutcome, { readonly outcome: 'answer' }>): Refusal {
  switch (outcome.outcome) {
    case 'pending':
      return refuse('authorization_pending', 'connection_pending')
    case 'denied':
      return refuse('access_denied', 'connection_denied')
    case 'revoked':
      return refuse('expired_token', 'connection_over')
    case 'unknown':
      return unknown
    case 'needs_reauth':
      return refuse('needs_reauth', 'connection_broken')
    case 'unavailable':
      return {
        ...refuse('temporarily_unavailable', 'upstream_unavailable', 'the provider does not answer at the moment'),
        retryAfter: outcome.retryAfter,
      }
    case 'renewed':
      return {
        ...refuse('temporarily_unavailable', 'api_rejected', 'the token was renewed: send the call again'),
        retryAfter: 1,
      }
    case 'malformed':
      return refuse('invalid_request', 'api_malformed')
    case 'too_large':
      return refuse('invalid_request', 'api_too_large', 'the body is too large')
    case 'refused':
      return refuse('bad_gateway', 'api_rejected', 'the provider refuses this call although its token is fresh')
    case 'unanswered':
      return refuse('bad_gateway', 'api_unanswered')
  }
}

const statuses: Partial<Record<Refusal['reason'], number>> = {
  connection_unknown: 404,
  api_too_large: 413,
}

function proxyError(refusal: Refusal): HttpResponse {
  const status = statuses[refusal.reason] ?? statusOf(refusal)
  if (status === 401 || refusal.error === 'insufficient_scope') return bearerError(refusal)
  return json(
    status,
    JSON.stringify({ error: refusal.error, error_description: describe(refusal) }),
    retryAfter(refusal),
  )
}
