import { isRefusal, refuse, throttled, type Refusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated, type Parameters } from '../../protocol/parameters.ts'
import { agreed } from '../../vault/agreed.ts'
import { boundStart } from '../../vault/bound-start.ts'
import { endStart } from '../../vault/end-start.ts'
import type { Core } from '../core.ts'
import { json } from '../respond.ts'
import { vaultRefusal } from './respond.ts'
import { reach, type Reached } from './token.ts'

/** `POST /vault/revoke`: disconnected here when this answers, at the provider as soon as it takes it. */
export function createVaultRevokeEndpoint(core: Core): Endpoint {
  return async (http) => {
    const parameters = parseParameters(http.body)
    if (isRefusal(parameters)) return vaultRefusal(core, http, { endpoint: 'vault-revoke', refusal: parameters })
    const reached = refuseRepeated(parameters) ?? (await reachOrEnd(core, http, parameters))
    core.directory.assertFresh()
    if (reached === 'ended') return json(200, '{}')
    if (isRefusal(reached)) return vaultRefusal(core, http, { endpoint: 'vault-revoke', refusal: reached })
    const { id, connection, clientId } = reached
    // L14: who holds the handle may end what it opens; a client that only holds a token of the owner's must be one that he agreed to.
    if (!parameters.has('handle') && !(await agreed(core, connection, clientId)))
      return vaultRefusal(core, http, {
        endpoint: 'vault-revoke',
        refusal: refuse('access_denied', 'connection_consent'),
      })
    const actor = clientId === undefined ? {} : { actor: clientId }
    const { address } = http.peer
    await core.vault.disconnect(id, { connection, by: { ...actor, address }, bound: boundStart(core, address) })
    return json(200, '{}')
  }
}

/** The connection to be ended; a start that nobody has followed is ended at once, and its journey with it. */
async function reachOrEnd(core: Core, http: HttpRequest, parameters: Parameters): Promise<Reached | Refusal | 'ended'> {
  for (;;) {
    const reached = await reach(core, http, { parameters, confirmed: false })
    if (!isRefusal(reached) || reached.reason !== 'connection_pending') return reached
    // L12: that is the first record of it.
    const reserved = core.limits.reserve('connect-form', [http.peer.address])
    if ('retryAfterSeconds' in reserved) return throttled(reserved.retryAfterSeconds)
    // False: somebody has followed it just now, or its time is over.
    if (await endStart(core, parameters.get('handle') ?? '')) return 'ended'
  }
}
