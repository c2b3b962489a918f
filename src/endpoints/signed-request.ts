import { signatureWindowSeconds, verifySignedRequest } from '../client-auth/message-signature.ts'
import { parseJsonObject } from '../crypto/strict-json.ts'
import type { Client } from '../domain/client.ts'
import type { Resource } from '../domain/resource.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import type { Endpoint } from '../protocol/http.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { isWithin } from '../protocol/resource.ts'
import { printScope } from '../protocol/scope.ts'
import type { SignableRequest } from '../protocol/message-signature.ts'
import { backChannel } from './back-channel.ts'
import type { Core } from './core.ts'
import { json } from './respond.ts'

const inactive = '{"active":false}'
const mostHeaders = 40

/**
 * Who signed a request to an API (RFC 9421): the API shows method, address and signed headers, we hold the key. Answers as
 * introspection does (RFC 7662 §2.2), once for each signature; the API compares the body with the signed digest itself.
 */
export function createSignedRequestEndpoint(core: Core): Endpoint {
  return backChannel(core, 'signed_request', async ({ client: caller, parameters, http }) => {
    if (caller.authentication.method === 'none') return refuse('invalid_client', 'authentication_method')
    const asked = readAsked(parameters)
    if (isRefusal(asked)) return asked

    const source = [caller.clientId, http.peer.address] as const
    const blocked = core.limits.blocked('introspection-miss', source)
    if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)
    const resource = await core.directory.resource(asked.resource)
    const signed =
      resource === undefined || !mayAsk(caller, resource) || !isWithin(asked.request.targetUri, resource.resource)
        ? undefined
        : await verifySignedRequest(core, asked.request, {})
    if (resource === undefined || signed === undefined || isRefusal(signed) || !mayCall(signed.client, resource)) {
      core.limits.count('introspection-miss', source)
      if (isRefusal(signed)) core.observer.refused('signed_request', signed, { clientId: caller.clientId })
      return json(200, inactive)
    }
    const { client, signature } = signed
    return json(
      200,
      JSON.stringify({
        active: true,
        iss: core.issuer,
        sub: client.clientId,
        client_id: client.clientId,
        aud: resource.resource,
        scope: printScope(client.scope.filter((scope) => resource.scope.includes(scope))),
        token_type: 'http-message-signature',
        iat: signature.created,
        exp: Math.min(signature.created + signatureWindowSeconds, signature.expires ?? Number.MAX_SAFE_INTEGER) + 1,
      }),
    )
  })
}

type Asked = { readonly resource: string; readonly request: SignableRequest }

function readAsked(parameters: Parameters): Asked | Refusal {
  const [resource, method, targetUri, text] = ['resource', 'method', 'target_uri', 'headers'].map((name) =>
    parameters.get(name),
  )
  if (resource === undefined || method === undefined || targetUri === undefined || text === undefined)
    return refuse('invalid_request', 'parameter_missing', 'resource, method, target_uri and headers are needed')
  const object = parseJsonObject(Buffer.from(text, 'utf8'))
  const headers = Object.entries(object ?? {})
  if (object === undefined || headers.length > mostHeaders || headers.some(([, value]) => typeof value !== 'string'))
    return refuse('invalid_request', 'parameter_malformed', 'headers is a JSON object of at most 40 texts')
  return { resource, request: { method, targetUri, headers: object as Readonly<Record<string, string>> } }
}

/** Only the API itself: whoever else asked would use up nonces, and learn who calls. */
function mayAsk(caller: Client, { disabled, introspectionClients }: Resource): boolean {
  return !disabled && introspectionClients.includes(caller.clientId)
}

/** A signed call is what a client may do with a token of its own: nothing that it couldn't get one for. */
function mayCall(client: Client, { resource }: Resource): boolean {
  if (client.disabled || client.loopbackOnly || !client.grantTypes.includes('client_credentials')) return false
  return client.resources === undefined || client.resources.includes(resource)
}
