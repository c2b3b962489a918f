import { isRefusal, refuse, throttled, type Refusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated, type Parameters } from '../../protocol/parameters.ts'
import { verifyRedirectUri } from '../../protocol/redirect-uri.ts'
import { parseScope } from '../../protocol/scope.ts'
import { startConnection, type StartedConnection } from '../../vault/start-connection.ts'
import type { Core } from '../core.ts'
import { json } from '../respond.ts'
import { ownerOfCaller, vaultCaller, type VaultCaller } from './caller.ts'
import { text, vaultRefusal, wantsText } from './respond.ts'

/** `POST /vault/connect`: the start of a connection, for an account, a client, or nobody where the provider takes that. */
export function createConnectEndpoint(core: Core): Endpoint {
  return async (http) => {
    const started = await start(core, http)
    core.directory.assertFresh()
    if (isRefusal(started)) return vaultRefusal(core, http, { endpoint: 'connect', refusal: started })
    const { handle, connectUrl, userCode, expiresIn, connectionId } = started
    if (wantsText(http)) return text(201, `${connectUrl}\n${userCode}\n${handle}\n`)
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

async function start(core: Core, http: HttpRequest): Promise<StartedConnection | Refusal> {
  const parameters = parseParameters(http.body)
  if (isRefusal(parameters)) return parameters
  const repeated = refuseRepeated(parameters)
  if (repeated !== undefined) return repeated
  const reserved = core.limits.reserve('connect', [http.peer.address])
  if ('retryAfterSeconds' in reserved) return throttled(reserved.retryAfterSeconds)
  const caller = await vaultCaller(core, http, parameters)
  if (isRefusal(caller)) return caller
  const provider = core.upstream.providers.get(parameters.get('provider') ?? '')
  if (provider === undefined || provider.kind === 'site-login')
    return refuse('invalid_request', 'provider_unknown', 'provider names none that can be connected to')
  if (caller === undefined && !provider.anonymous)
    return refuse(
      'invalid_client',
      'connect_not_anonymous',
      'this provider takes connections of accounts and clients alone',
    )
  const scopeText = parameters.get('scope')
  const scope = scopeText === undefined ? undefined : parseScope(scopeText)
  if (isRefusal(scope)) return scope
  const returnTo = returnToOf(parameters, caller)
  if (isRefusal(returnTo)) return returnTo
  return startConnection(core, provider, {
    owner: caller === undefined ? { kind: 'handle' } : ownerOfCaller(caller),
    clientId: caller?.client.clientId,
    address: http.peer.address,
    scope,
    returnTo,
  })
}

/** Only a redirect URI of the very client that asks: nobody else is sent anywhere. */
function returnToOf(parameters: Parameters, caller: VaultCaller | undefined): string | undefined | Refusal {
  const returnTo = parameters.get('return_to')
  if (returnTo === undefined) return undefined
  if (caller === undefined)
    return refuse('invalid_request', 'redirect_uri_mismatch', 'return_to takes a client that registered it')
  return verifyRedirectUri(caller.client.redirectUris, returnTo)
}
