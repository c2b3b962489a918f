import type { Client } from '../domain/client.ts'
import { parseBasicAuthorization } from '../protocol/basic-auth.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest } from '../protocol/http.ts'
import { isLoopbackRequest } from '../protocol/loopback-request.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { verifySecret } from './client-secret.ts'
import type { ClientAuthContext } from './context.ts'
import { verifySignedRequest } from './message-signature.ts'
import { verifyAssertion } from './client-assertion.ts'

/** What a request shows as proof, before anybody has looked whether it is true. */
type Presented =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post'
      readonly clientId: string
      readonly secret: string
    }
  | { readonly method: 'assertion'; readonly clientId: string | undefined; readonly assertion: string }
  | { readonly method: 'http_message_signature'; readonly clientId: string | undefined }
  | { readonly method: 'none'; readonly clientId: string }

/**
 * The client of a request to a back-channel endpoint, proved by exactly one method: the one that it registered
 * (RFC 6749 §2.3, RFC 7591 §2 token_endpoint_auth_method).
 */
export async function authenticateClient(
  context: ClientAuthContext,
  request: HttpRequest,
  parameters: Parameters,
): Promise<Client | Refusal> {
  const presented = presentedBy(request, parameters)
  if (isRefusal(presented)) return presented
  const client = await proved(context, presented, request)
  if (isRefusal(client)) return client
  if (client.disabled) return refuse('invalid_client', 'client_disabled')
  if (client.loopbackOnly && !isLoopbackRequest(context, request))
    return refuse('invalid_client', 'client_loopback_only')
  return client
}

async function proved(
  context: ClientAuthContext,
  presented: Presented,
  request: HttpRequest,
): Promise<Client | Refusal> {
  switch (presented.method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return verifySecret(context, presented, request.peer)
    case 'assertion':
      return verifyAssertion(context, presented, request.peer)
    case 'http_message_signature': {
      // The address is ours, never the Host header's: a signature for another server opens nothing here.
      const targetUri = `${context.issuer}${request.path}${request.query === '' ? '' : `?${request.query}`}`
      const signed = await verifySignedRequest(
        context,
        { ...request, targetUri },
        { peer: request.peer, named: presented.clientId },
      )
      return isRefusal(signed) ? signed : signed.client
    }
    case 'none': {
      const client = await context.directory.client(presented.clientId)
      // RFC 6749 §3.2.1: a confidential client that shows nothing isn't authenticated.
      return client?.authentication.method === 'none' ? client : refuse('invalid_client', 'credentials_missing')
    }
  }
}

/** RFC 6749 §2.3: a client must not use more than one method in each request. */
function presentedBy(request: HttpRequest, parameters: Parameters): Presented | Refusal {
  const authorization = request.headers['authorization']
  const clientId = parameters.get('client_id')
  const secret = parameters.get('client_secret')
  const assertion = parameters.get('client_assertion')
  const assertionType = parameters.get('client_assertion_type')
  const isSigned = request.headers['signature-input'] !== undefined || request.headers['signature'] !== undefined
  const shown = [authorization !== undefined, secret !== undefined, assertion !== undefined, isSigned].filter(
    Boolean,
  ).length
  if (shown > 1) return refuse('invalid_request', 'credentials_several', 'use one method of client authentication')

  if (isSigned) return { method: 'http_message_signature', clientId }
  if (authorization !== undefined) {
    const basic = parseBasicAuthorization(authorization)
    if (isRefusal(basic)) return basic
    if (clientId !== undefined && clientId !== basic.clientId) return refuse('invalid_client', 'client_mismatch')
    return { method: 'client_secret_basic', clientId: basic.clientId, secret: basic.clientSecret }
  }
  if (assertion !== undefined || assertionType !== undefined) {
    // RFC 7523 §2.2
    if (assertionType !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' || assertion === undefined) {
      return refuse('invalid_client', 'assertion_type')
    }
    return { method: 'assertion', clientId, assertion }
  }
  if (clientId === undefined) return refuse('invalid_client', 'credentials_missing')
  return secret === undefined ? { method: 'none', clientId } : { method: 'client_secret_post', clientId, secret }
}
