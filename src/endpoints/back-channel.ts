import { authenticateClient } from '../client-auth/authenticate.ts'
import type { Client } from '../domain/client.ts'
import type { ClientRequest } from '../grants/grant-type.ts'
import { isRefusal, type Refusal } from '../protocol/errors.ts'
import type { Endpoint, HttpResponse } from '../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../protocol/parameters.ts'
import type { Core } from './core.ts'
import { oauthError } from './respond.ts'

/**
 * The gates that token, introspection and revocation share (RFC 6749 §3.2, RFC 7662 §2.1, RFC 7009 §2.1), in their order:
 * parameters that can be read, none twice, a client that is authenticated. What comes after is `answer`'s.
 */
export function backChannel(
  core: Core,
  name: string,
  answer: (request: ClientRequest) => Promise<HttpResponse | Refusal>,
): Endpoint {
  return async (http) => {
    const parameters = parseParameters(http.body)
    if (isRefusal(parameters)) return refused(parameters)
    const repeated = refuseRepeated(parameters)
    if (repeated !== undefined) return refused(repeated)
    const client = await authenticateClient(core, http, parameters)
    if (isRefusal(client)) return refused(client)
    const answered = await answer({ client, parameters, http })
    // What was looked up on the way must still have been true: a node that lost sight of the store says nothing.
    core.directory.assertFresh()
    return isRefusal(answered) ? refused(answered, client) : answered

    function refused(refusal: Refusal, by?: Client): HttpResponse {
      const { address } = http.peer
      core.observer.refused(name, refusal, by === undefined ? { address } : { clientId: by.clientId, address })
      return oauthError(http, refusal)
    }
  }
}
