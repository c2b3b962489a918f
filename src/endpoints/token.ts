import type { Client } from '../domain/client.ts'
import type { GrantType } from '../grants/grant-type.ts'
import type { HandedOut, Issued } from '../grants/issue.ts'
import { refuseTooLarge } from '../grants/refuse-too-large.ts'
import { grantTypeRegistry } from '../grants/registry.ts'
import { accessTokenType } from '../grants/token-exchange.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { Endpoint } from '../protocol/http.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { printScope } from '../protocol/scope.ts'
import { backChannel } from './back-channel.ts'
import type { Core } from './core.ts'
import { json } from './respond.ts'

/** The token endpoint (RFC 6749 §3.2). Every grant type passes the same gates in the same order; its own part is `exchange`. */
export function createTokenEndpoint(core: Core): Endpoint {
  return backChannel(core, 'token', async (request) => {
    const grantType = permittedGrantType(request.client, request.parameters)
    if (isRefusal(grantType)) return grantType
    const issued = await grantType.exchange(core, request).catch(refuseTooLarge)
    if (isRefusal(issued)) return issued
    core.observer.issued(grantType.name)
    return json(200, 'upstream' in issued ? exchangeResponse(issued) : tokenResponse(issued))
  })
}

/** RFC 6749 §5.2: `unsupported_grant_type` for what nobody may use, `unauthorized_client` for what this one may not. */
function permittedGrantType(client: Client, parameters: Parameters): GrantType | Refusal {
  const name = parameters.get('grant_type')
  if (name === undefined) return refuse('invalid_request', 'grant_type_missing', 'grant_type is missing')
  const grantType = grantTypeRegistry.get(name)
  if (grantType === undefined) return refuse('unsupported_grant_type', 'grant_type_unsupported')
  if (!client.grantTypes.includes(grantType.name)) return refuse('unauthorized_client', 'grant_type_not_allowed')
  return grantType
}

/** RFC 8693 §2.2.1. */
function exchangeResponse({ upstream, scope, expiresIn }: HandedOut): string {
  return JSON.stringify({
    access_token: upstream.reveal(),
    issued_token_type: accessTokenType,
    token_type: 'Bearer',
    expires_in: expiresIn,
    scope: printScope(scope),
  })
}

/** RFC 6749 §5.1. Token and scope texts need no escaping: their alphabets hold no quote and no backslash. */
function tokenResponse({ minted, scope, refreshToken }: Issued): string {
  let body = `{"access_token":"${minted.accessToken}","token_type":"Bearer","expires_in":${minted.expiresIn}`
  if (refreshToken !== undefined) body += `,"refresh_token":"${refreshToken}"`
  if (minted.idToken !== undefined) body += `,"id_token":"${minted.idToken}"`
  return `${body},"scope":${JSON.stringify(printScope(scope))}}`
}
