import { isRefusal, refuse, throttled, type Refusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../../protocol/parameters.ts'
import { agreed } from '../../vault/agreed.ts'
import { mintCapability, type Capability } from '../../vault/mint-capability.ts'
import type { Core } from '../core.ts'
import { json } from '../respond.ts'
import { text, vaultRefusal, wantsText } from './respond.ts'
import { reach } from './token.ts'

/** `POST /vault/capability`: a macaroon for a connection, for whoever shows its handle, or for the client whose it is. */
export function createVaultCapabilityEndpoint(core: Core): Endpoint {
  return async (http) => {
    const made = await make(core, http)
    core.directory.assertFresh()
    if (isRefusal(made)) return vaultRefusal(core, http, { endpoint: 'vault-capability', refusal: made })
    if (wantsText(http)) return text(201, made.token)
    return json(201, JSON.stringify({ access_token: made.token, token_type: 'Bearer', expires_in: made.expiresIn }))
  }
}

async function make(core: Core, http: HttpRequest): Promise<Capability | Refusal> {
  const parameters = parseParameters(http.body)
  if (isRefusal(parameters)) return parameters
  const reached = refuseRepeated(parameters, 'caveat') ?? (await reach(core, http, { parameters }))
  if (isRefusal(reached)) return reached
  const { id, connection, clientId } = reached
  if (!(await agreed(core, connection, clientId))) return refuse('access_denied', 'connection_consent')
  const ttl = parameters.get('ttl')
  if (ttl !== undefined && !/^[1-9]\d{0,8}$/.test(ttl))
    return refuse('invalid_request', 'parameter_malformed', 'ttl is a number of seconds')
  const reserved = core.limits.reserve('own-token', [id])
  if ('retryAfterSeconds' in reserved) return throttled(reserved.retryAfterSeconds)
  return mintCapability(core, {
    connection: id,
    caveats: parameters.all('caveat'),
    ttl: ttl === undefined ? undefined : Number(ttl),
    address: http.peer.address,
  })
}
