import type { Client } from '../domain/client.ts'
import { refuse, throttled, type Refusal } from '../protocol/errors.ts'
import type { Peer } from '../protocol/http.ts'
import { verifyClientSecret } from '../tokens/client-secret.ts'
import type { ClientAuthContext } from './context.ts'

/**
 * `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1). An unknown client costs the same hash and comparison
 * as a wrong secret, and gets the same answer (D02).
 */
export async function verifySecret(
  context: ClientAuthContext,
  presented: {
    readonly method: 'client_secret_basic' | 'client_secret_post'
    readonly clientId: string
    readonly secret: string
  },
  peer: Peer,
): Promise<Client | Refusal> {
  const { limits, directory } = context
  const key = [presented.clientId, peer.address] as const
  const blocked = limits.blocked('client-secret', key)
  if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)

  const client = await directory.client(presented.clientId)
  const registered = client?.authentication
  const secrets = registered !== undefined && 'secrets' in registered ? registered.secrets : []
  const matches = verifyClientSecret(presented.secret, secrets, context.clock.seconds())
  if (client === undefined || !matches) {
    limits.count('client-secret', key)
    return refuse('invalid_client', client === undefined ? 'client_unknown' : 'secret_wrong')
  }
  if (registered?.method !== presented.method) return refuse('invalid_client', 'authentication_method')
  return client
}
