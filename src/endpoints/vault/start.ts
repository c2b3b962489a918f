import type { Client } from '../../domain/client.ts'
import { ownerKey, type ConnectionOwner } from '../../domain/connection.ts'
import { recallsOf } from '../../domain/recall.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated, type Parameters } from '../../protocol/parameters.ts'
import { verifyRedirectUri } from '../../protocol/redirect-uri.ts'
import { parseScope } from '../../protocol/scope.ts'
import { noProvider, renewable } from '../../vault/renewable.ts'
import { startConnection, type StartedConnection } from '../../vault/start-connection.ts'
import type { Core } from '../core.ts'
import { json } from '../respond.ts'
import { ownerOfCaller, vaultCaller } from './caller.ts'
import { text, vaultRefusal, wantsText } from './respond.ts'
import { reach } from './token.ts'

/** `POST /vault/connect`: the start of a connection, for an account, a client, or nobody where the provider takes that; or of the renewal of one. */
export function createConnectEndpoint(core: Core): Endpoint {
  return async (http) => {
    const started = await start(core, http)
    core.directory.assertFresh()
    if (isRefusal(started)) return vaultRefusal(core, http, { endpoint: 'connect', refusal: started })
    const { handle, connectUrl, userCode, expiresIn, connectionId } = started
    if (wantsText(http)) return text(201, `${connectUrl}\n${userCode}\n${handle === undefined ? '' : `${handle}\n`}`)
    return json(
      201,
      JSON.stringify({
        handle,
        connect_url: connectUrl,
        user_code: userCode,
        expires_in: expiresIn,
        connection: connectionId,
      }),
    )
  }
}

/** What whoever started gets to see. A connection that is renewed keeps its handle, which not everybody has who may renew it. */
type Started = Omit<StartedConnection, 'handle'> & { readonly handle: string | undefined }

async function start(core: Core, http: HttpRequest): Promise<Started | Refusal> {
  const parameters = parseParameters(http.body)
  if (isRefusal(parameters)) return parameters
  const repeated = refuseRepeated(parameters)
  if (repeated !== undefined) return repeated
  const reserved = core.limits.reserve('connect', [http.peer.address])
  if ('retryAfterSeconds' in reserved) return throttled(reserved.retryAfterSeconds)
  const starter = await starterOf(core, http, parameters)
  if (isRefusal(starter)) return starter
  const { owner, client, renews } = starter
  const named = parameters.get('provider')
  const provider = core.upstream.providers.get(renews?.provider ?? named ?? '')
  const isOther = named !== undefined && named !== provider?.name
  if (provider === undefined || provider.kind === 'site-login' || isOther) return noProvider
  if (owner.kind === 'handle' && !provider.anonymous)
    return refuse(
      'invalid_client',
      'connect_not_anonymous',
      'this provider takes connections of accounts and clients alone',
    )
  const scopeText = parameters.get('scope')
  const scope = scopeText === undefined ? renews?.scope : parseScope(scopeText)
  if (isRefusal(scope)) return scope
  const returnTo = returnToOf(parameters, client)
  if (isRefusal(returnTo)) return returnTo
  // L12: what an owner begins counts together, from however many addresses; nobody's has no owner but its source.
  const own = owner.kind === 'handle' ? undefined : core.limits.reserve('connect-owned', [ownerKey(owner)])
  if (own !== undefined && 'retryAfterSeconds' in own) return throttled(own.retryAfterSeconds)
  const { address } = http.peer
  const recallsBefore = recallsOf(await core.directory.instance(), provider.name)
  const about = { owner, clientId: client?.clientId, address, scope, returnTo, renews: renews?.id, recallsBefore }
  const started = startConnection(core, provider, about)
  if (isRefusal(started) || renews === undefined) return started
  return { ...started, connectionId: renews.id, handle: parameters.get('handle') }
}

type Starter = {
  readonly owner: ConnectionOwner
  readonly client: Client | undefined
  /** The connection that is there already. */
  readonly renews?: { readonly id: string; readonly provider: string; readonly scope: readonly string[] }
}

/** Whose connection it will be: whoever says who he is, or the owner of the one that is named. */
async function starterOf(core: Core, http: HttpRequest, parameters: Parameters): Promise<Starter | Refusal> {
  if (!parameters.has('handle') && !parameters.has('connection')) {
    const caller = await vaultCaller(core, http, parameters)
    if (isRefusal(caller)) return caller
    return caller === undefined
      ? { owner: { kind: 'handle' }, client: undefined }
      : { owner: ownerOfCaller(caller), client: caller.client }
  }
  const reached = await reach(core, http, { parameters, confirmed: false })
  if (isRefusal(reached)) return reached
  const { id, connection, clientId } = reached
  const found = await renewable(core, connection, clientId)
  if (isRefusal(found)) return found
  const { scope } = found
  const { owner, provider } = found.connection
  return { owner, client: found.client, renews: { id, provider, scope } }
}

/** Only a redirect URI of the very client that asks: nobody else is sent anywhere. */
function returnToOf(parameters: Parameters, client: Client | undefined): string | undefined | Refusal {
  const returnTo = parameters.get('return_to')
  if (returnTo === undefined) return undefined
  if (client === undefined)
    return refuse('invalid_request', 'redirect_uri_mismatch', 'return_to takes a client that registered it')
  return verifyRedirectUri(client.redirectUris, returnTo)
}
