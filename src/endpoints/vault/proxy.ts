import { mintedClientId } from '../../accounts/minted-client.ts'
import { ownerKey, type Connection, type ConnectionOwner } from '../../domain/connection.ts'
import type { AuditEvent } from '../../domain/event.ts'
import { ref } from '../../domain/record.ts'
import { isApiQuery, queryNames } from '../../protocol/api-path.ts'
import { parseBearerAuthorization } from '../../protocol/bearer.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { callOf } from '../../sender/call-of.ts'
import { liveToken } from '../../sender/live-token.ts'
import { usedElsewhere } from '../../sender/used-elsewhere.ts'
import { readAlive } from '../../store/read-alive.ts'
import { agreed, vaultScope } from '../../vault/agreed.ts'
import { callApi, type ApiCall, type ApiOutcome } from '../../vault/call-api.ts'
import { refusalOf } from '../../vault/pick-up.ts'
import { createTurns } from '../../vault/turns.ts'
import type { Core } from '../core.ts'
import { ownerOfCaller } from './caller.ts'
import { findShownHandle } from './find-shown-handle.ts'
import { vaultRefusal } from './respond.ts'

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
    return isRefusal(answered) ? vaultRefusal(core, request, { endpoint: 'vault-proxy', refusal: answered }) : answered
  }

  async function answer(request: HttpRequest): Promise<HttpResponse | Refusal> {
    const asked = readTarget(request)
    if (isRefusal(asked)) return asked
    const reached = await reach(core, request, asked)
    if (isRefusal(reached)) return reached
    const call = callThrough(core, request, { asked, connection: reached.connection })
    if (isRefusal(call)) return call
    const leave = turns.take(asked.connection)
    if (leave === undefined) return throttled(1)
    // Until the answer is said to its end, or nobody waits for it any more; he may have left already, and that is said once.
    const { gone } = call.request.passage
    if (gone.aborted) leave()
    else gone.addEventListener('abort', leave, { once: true })
    const { address } = request.peer
    const happening = { type: 'connection.called', ...reached.by, target: asked.connection, address } as const
    await core.vault.recordUse(reached.connection, happening)
    core.directory.assertFresh()
    const outcome = await callApi({ ...core, freshToken: core.vault.freshToken }, call)
    return outcome.outcome === 'answer' ? outcome.answer : refused(outcome)
  }
}

/** The shell has let no path through that could be read in two ways. */
function readTarget({ path, query, passage }: HttpRequest): Asked | Refusal {
  const [, connection, below] = /^\/vault\/proxy\/([^/]+)(\/.*)$/.exec(path) ?? []
  if (connection === undefined || below === undefined || passage === undefined)
    return refuse('invalid_request', 'api_malformed')
  if (!isApiQuery(query)) return refuse('invalid_request', 'api_malformed', 'the query holds what no query may hold')
  // L15: a credential of the caller's choice, or another method, would be his word against the caveats of his token.
  if (queryNames(query).some((name) => overriding.has(name)))
    return refuse('invalid_request', 'api_malformed', 'neither access_token nor _method is passed on in a query')
  return { connection, path: below }
}

/** Names under which some API or other takes a credential or a method from a query, as `queryNames` spells them. */
const overriding: ReadonlySet<string> = new Set([
  'access_token',
  'accesstoken',
  'oauth_token',
  '_method',
  '_httpmethod',
  'x_http_method_override',
])

/** The connection, and who calls through it, as the event names him. */
type Reached = { readonly connection: Connection; readonly by: Partial<Pick<AuditEvent, Caller>> }
type Caller = 'userId' | 'clientId' | 'grantId' | 'jti'

/** `Authorization` and nothing else: never a cookie, never the query (CONTRACT, vault). */
async function reach(core: Core, request: HttpRequest, asked: Asked): Promise<Reached | Refusal> {
  const authorization = request.headers['authorization']
  if (authorization === undefined) return refuse('invalid_token', 'credentials_missing')
  const text = parseBearerAuthorization(authorization)
  if (isRefusal(text)) return text
  return text.startsWith('gth_vh_')
    ? reachByHandle(core, request, { ...asked, handle: text })
    : reachByToken(core, request, { ...asked, token: text })
}

const unknown = refuse('invalid_request', 'connection_unknown', 'there is no such connection')

async function reachByHandle(
  core: Core,
  request: HttpRequest,
  { handle, connection: id }: Asked & { readonly handle: string },
): Promise<Reached | Refusal> {
  const found = await findShownHandle(core, request, handle)
  if (isRefusal(found)) return found
  const { connection } = found
  if (found.handle.connectionId !== id) return unknown
  const { clientId } = connection
  return (await agreed(core, connection, clientId))
    ? { connection, by: clientId === undefined ? {} : { clientId } }
    : notAgreed
}

const notAgreed = refuse('access_denied', 'connection_consent')

async function reachByToken(
  core: Core,
  request: HttpRequest,
  { token, connection: id, path }: Asked & { readonly token: string },
): Promise<Reached | Refusal> {
  const live = await liveToken(core, token, {
    ...callOf('vault_proxy', request),
    connection: { id, path },
  })
  if (isRefusal(live)) return live
  const elsewhere = usedElsewhere(core, request, live.client)
  if (elsewhere !== undefined) return elsewhere
  const { claims, user, client } = live
  // RFC 8725 §3.9: a token for somebody else's API is no key to this one.
  if (claims.aud.length !== 1 || claims.aud[0] !== core.issuer) return refuse('invalid_token', 'token_audience')
  const madeFor = claims.extra?.['connection']
  const isMinted = client.clientId === mintedClientId
  const isCapability = madeFor !== undefined && (isMinted || user === undefined)
  if (!isCapability && !claims.scope.some((scope) => scope === 'vault' || scope.startsWith('vault:')))
    return refuse('insufficient_scope', 'token_scope', 'the scope vault is needed')

  const connection = await readAlive(core.transition.store, ref('connection', id), core.clock.seconds())
  // L13: somebody else's is the same as none.
  const owner: ConnectionOwner =
    isCapability && isMinted && user === undefined ? { kind: 'handle' } : ownerOfCaller({ client, user })
  if (connection === undefined || ownerKey(connection.owner) !== ownerKey(owner)) return unknown
  const by = {
    clientId: claims.clientId,
    grantId: claims.gid,
    jti: claims.jti,
    ...(user !== undefined && { userId: user.userId }),
  }
  // Its owner made it for this very connection.
  if (isCapability && madeFor !== id) return unknown
  if (isCapability && (user !== undefined || isMinted)) return { connection, by }
  if (!isCapability && !claims.scope.includes('vault') && !claims.scope.includes(vaultScope(connection.provider)))
    return unknown
  return (await agreed(core, connection, client.clientId)) ? { connection, by } : notAgreed
}

function callThrough(
  core: Core,
  request: HttpRequest,
  { asked, connection }: { readonly asked: Asked; readonly connection: Connection },
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
    connection: asked.connection,
    provider: { ...provider, apiBase },
    request: { ...request, passage },
    path: asked.path,
    here: `${vaultProxyPath}${asked.connection}`,
  }
}

function refused(outcome: Exclude<ApiOutcome, { readonly outcome: 'answer' }>): Refusal {
  switch (outcome.outcome) {
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
    default:
      return refusalOf(outcome)
  }
}
