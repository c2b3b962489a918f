import { isRefusal, refuse } from '../../protocol/errors.ts'
import type { Endpoint } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../../protocol/parameters.ts'
import { agreed } from '../../vault/agreed.ts'
import type { Core } from '../core.ts'
import { json } from '../respond.ts'
import { vaultRefusal } from './respond.ts'
import { reach } from './token.ts'

/** `POST /vault/revoke`: disconnected here when this answers, at the provider as soon as it takes it. */
export function createVaultRevokeEndpoint(core: Core): Endpoint {
  return async (http) => {
    const parameters = parseParameters(http.body)
    if (isRefusal(parameters)) return vaultRefusal(core, http, { endpoint: 'vault-revoke', refusal: parameters })
    const reached = refuseRepeated(parameters) ?? (await reach(core, http, { parameters, confirmed: false }))
    core.directory.assertFresh()
    if (isRefusal(reached)) return vaultRefusal(core, http, { endpoint: 'vault-revoke', refusal: reached })
    const { id, connection, clientId } = reached
    // L14: who holds the handle may end what it opens; a client that only holds a token of the owner's must be one that he agreed to.
    if (!parameters.has('handle') && !(await agreed(core, connection, clientId)))
      return vaultRefusal(core, http, {
        endpoint: 'vault-revoke',
        refusal: refuse('access_denied', 'connection_consent'),
      })
    const actor = clientId === undefined ? {} : { actor: clientId }
    await core.vault.disconnect(id, connection, { ...actor, address: http.peer.address })
    return json(200, '{}')
  }
}
