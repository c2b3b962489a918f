import { ref } from '../../domain/record.ts'
import { ownerKey, type Connection } from '../../domain/connection.ts'
import { isRefusal, refuse, type Refusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated, type Parameters } from '../../protocol/parameters.ts'
import { readAlive } from '../../store/read-alive.ts'
import { agreed } from '../../vault/agreed.ts'
import type { FreshToken } from '../../vault/fresh-token.ts'
import { confirm, refusalOf } from '../../vault/pick-up.ts'
import { ownerOf } from '../../vault/renew.ts'
import type { Core } from '../core.ts'
import { json } from '../respond.ts'
import { ownerOfCaller, vaultCaller } from './caller.ts'
import { findShownHandle } from './find-shown-handle.ts'
import { text, vaultRefusal, wantsText } from './respond.ts'

/** A connection that the caller may use, through this client. */
export type Reached = {
  readonly id: string
  readonly connection: Connection
  readonly clientId: string | undefined
}

/** `POST /vault/token`: a token of the provider that holds, for whoever shows the handle, or a token of the owner. */
export function createVaultTokenEndpoint(core: Core): Endpoint {
  return async (http) => {
    const parameters = parseParameters(http.body)
    if (isRefusal(parameters)) return vaultRefusal(core, http, { endpoint: 'vault-token', refusal: parameters })
    const reached = refuseRepeated(parameters) ?? (await reach(core, http, { parameters }))
    const fresh = isRefusal(reached) ? reached : await fetchToken(core, http, reached)
    core.directory.assertFresh()
    return isRefusal(fresh)
      ? vaultRefusal(core, http, { endpoint: 'vault-token', refusal: fresh })
      : tokenResponse(core, http, fresh)
  }
}

/** The connection that a request is about, if whoever sends it may reach it: by handle, or as its owner (L13), with the code of the last page where that is wanted. */
export async function reach(
  core: Core,
  http: HttpRequest,
  { parameters, confirmed = true }: { readonly parameters: Parameters; readonly confirmed?: boolean },
): Promise<Reached | Refusal> {
  const handle = parameters.get('handle')
  const reached =
    handle === undefined ? await reachAsOwner(core, http, parameters) : await reachByHandle(core, http, handle)
  if (isRefusal(reached) || !confirmed) return reached
  return (await confirm(core, reached, parameters.get('confirm'))) ?? reached
}

async function reachByHandle(core: Core, http: HttpRequest, handle: string): Promise<Reached | Refusal> {
  const found = await findShownHandle(core, http, handle)
  if (isRefusal(found)) return found
  const { connection } = found
  return { id: found.handle.connectionId, connection, clientId: connection.clientId }
}

async function reachAsOwner(core: Core, http: HttpRequest, parameters: Parameters): Promise<Reached | Refusal> {
  const caller = await vaultCaller(core, http, parameters)
  if (caller === undefined) return refuse('invalid_request', 'parameter_missing', 'handle is missing')
  if (isRefusal(caller)) return caller
  const id = parameters.get('connection')
  if (id === undefined) return refuse('invalid_request', 'parameter_missing', 'connection is missing')
  const connection = await readAlive(core.transition.store, ref('connection', id), core.clock.seconds())
  // L13: somebody else's is the same as none.
  if (connection === undefined || ownerKey(connection.owner) !== ownerKey(ownerOfCaller(caller)))
    return refuse('invalid_request', 'connection_unknown', 'there is no such connection')
  return { id, connection, clientId: caller.client.clientId }
}

type Token = Extract<FreshToken, { outcome: 'token' }>

async function fetchToken(core: Core, http: HttpRequest, reached: Reached): Promise<Token | Refusal> {
  const { id, connection, clientId } = reached
  if (!(await agreed(core, connection, clientId))) return refuse('access_denied', 'connection_consent')
  const fresh = await core.vault.freshToken({ connection: id })
  if (fresh.outcome !== 'token') return refusalOf(fresh)
  await core.vault.recordUse(fresh.connection, {
    type: 'connection.fetched',
    ...ownerOf(fresh.connection),
    address: http.peer.address,
    ...(clientId !== undefined && { clientId }),
    target: id,
  })
  return fresh
}

function tokenResponse(core: Core, http: HttpRequest, token: Token): HttpResponse {
  if (wantsText(http)) return text(200, token.accessToken.reveal())
  const { expiresAt } = token
  return json(
    200,
    JSON.stringify({
      access_token: token.accessToken.reveal(),
      token_type: token.tokenType,
      ...(expiresAt !== undefined && { expires_in: Math.max(0, expiresAt - core.clock.seconds()) }),
      scope: token.scopes.join(' '),
      provider: token.provider,
      account: token.account,
    }),
  )
}
