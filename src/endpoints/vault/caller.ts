import { authenticateClient } from '../../client-auth/authenticate.ts'
import type { Client } from '../../domain/client.ts'
import type { ConnectionOwner } from '../../domain/connection.ts'
import type { User } from '../../domain/user.ts'
import { parseBearerAuthorization } from '../../protocol/bearer.ts'
import { isRefusal, refuse, type Refusal } from '../../protocol/errors.ts'
import type { HttpRequest } from '../../protocol/http.ts'
import type { Parameters } from '../../protocol/parameters.ts'
import { callOf } from '../../sender/call-of.ts'
import { liveToken } from '../../sender/live-token.ts'
import { usedElsewhere } from '../../sender/used-elsewhere.ts'
import type { Core } from '../core.ts'

/** Who asks the vault for something: a client, for itself or for the user whose token it shows. */
export type VaultCaller = { readonly client: Client; readonly user: User | undefined }

const scope = 'vault'

/** By a bearer token or as a client; undefined: nobody says who he is. */
export async function vaultCaller(
  core: Core,
  http: HttpRequest,
  parameters: Parameters,
): Promise<VaultCaller | Refusal | undefined> {
  const authorization = http.headers['authorization']
  if (authorization !== undefined && /^bearer /i.test(authorization)) return byToken(core, http, authorization)
  const named = ['client_id', 'client_secret', 'client_assertion'].some((name) => parameters.get(name) !== undefined)
  const signed = http.headers['signature'] !== undefined || http.headers['signature-input'] !== undefined
  if (authorization === undefined && !named && !signed) return undefined
  const client = await authenticateClient(core, http, parameters)
  if (isRefusal(client)) return client
  // Anybody can call himself by the name of a public client.
  if (client.authentication.method === 'none') return refuse('invalid_client', 'authentication_method')
  if (!client.scope.includes(scope)) return refuse('unauthorized_client', 'scope_not_allowed', needsScope)
  return { client, user: undefined }
}

async function byToken(core: Core, http: HttpRequest, authorization: string): Promise<VaultCaller | Refusal> {
  const text = parseBearerAuthorization(authorization)
  if (isRefusal(text)) return text
  const live = await liveToken(core, text, callOf('vault', http))
  if (isRefusal(live)) return live
  const elsewhere = usedElsewhere(core, http, live.client)
  if (elsewhere !== undefined) return elsewhere
  // RFC 8725 §3.9: a token for somebody else's API is no key to this one.
  if (live.claims.aud.length !== 1 || live.claims.aud[0] !== core.issuer)
    return refuse('invalid_token', 'token_audience')
  if (!live.claims.scope.includes(scope)) return refuse('insufficient_scope', 'token_scope', needsScope)
  return { client: live.client, user: live.user }
}

const needsScope = 'the scope vault is needed'

/** Whose connections the caller makes and reaches. */
export function ownerOfCaller({ client, user }: VaultCaller): ConnectionOwner {
  return user === undefined ? { kind: 'client', clientId: client.clientId } : { kind: 'user', userId: user.userId }
}
