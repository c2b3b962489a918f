import type { Client } from '../domain/client.ts'
import { refuse, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest } from '../protocol/http.ts'
import { isLoopbackRequest } from '../protocol/loopback-request.ts'

/** Why a token of a client that works on this machine alone is none in a request from elsewhere; nothing for every other token. */
export function usedElsewhere(
  context: { readonly issuer: string; readonly trustsProxies: boolean },
  request: HttpRequest,
  client: Client,
): Refusal | undefined {
  if (!client.loopbackOnly || isLoopbackRequest(context, request)) return undefined
  return refuse('invalid_token', 'client_loopback_only')
}
