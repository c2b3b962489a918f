import * as oauth from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'
import { authenticationOf, clientOf, through } from './client-of.ts'
import type { UpstreamContext } from './context.ts'
import { serverOf } from './server-metadata.ts'
import { readFailure, type UpstreamRefused, type UpstreamUnavailable } from './upstream-answer.ts'

export type Finding = { readonly status: 'ok' | 'warn' | 'fail'; readonly detail: string }

const mends: Readonly<Record<string, string>> = {
  address: 'its address is private; for an intranet add allow_insecure: true',
  scheme: 'it is not https; for a test add allow_insecure: true',
  unresolved: 'its name has no address; check the spelling and the DNS of this machine',
  unreachable: 'nothing answers there; check host, port and firewall',
  certificate: 'its certificate does not hold; check the host name and the clock of this machine',
  timeout: 'it did not answer within five seconds',
  redirect: 'it answers with a redirect, which is never followed; name the final address',
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED:
    'its discovery document is of another issuer; write issuer exactly as it does',
}

/** Asks a provider itself whether its entry fits: what is wrong, and the mend. Sends a code that is none, and no secret but our own. */
export async function probeProvider(context: UpstreamContext, provider: OAuthProvider): Promise<readonly Finding[]> {
  let server: oauth.AuthorizationServer
  try {
    server = await serverOf(context, provider)
  } catch (error) {
    return [{ status: 'fail', detail: `discovery at ${provider.issuer}: ${said(readFailure(error))}` }]
  }
  return [...judgeMetadata(provider, server), await tryToken(context, provider, server)]
}

function judgeMetadata(provider: OAuthProvider, server: oauth.AuthorizationServer): readonly Finding[] {
  const findings: Finding[] = []
  const warn = (detail: string): void => void findings.push({ status: 'warn', detail })
  const fail = (detail: string): void => void findings.push({ status: 'fail', detail })
  if (server.authorization_endpoint === undefined) fail('it names no authorization_endpoint; add it to the entry')
  if (server.token_endpoint === undefined) fail('it names no token_endpoint; add it to the entry')
  if (provider.kind === 'oidc' && server.jwks_uri === undefined) fail('it names no jwks_uri; add it to the entry')
  const methods = server.token_endpoint_auth_methods_supported
  if (methods !== undefined && !methods.includes(provider.tokenEndpointAuthMethod))
    fail(`it takes ${methods.join(', ')}, not ${provider.tokenEndpointAuthMethod}; change token_endpoint_auth_method`)
  const challenges = server.code_challenge_methods_supported
  if (challenges !== undefined && !challenges.includes('S256'))
    (provider.pkce === 'required' ? fail : warn)('it does not do PKCE with S256')
  const unknown = provider.scope.filter((scope) => server.scopes_supported?.includes(scope) === false)
  if (unknown.length > 0) warn(`it does not list the scope ${unknown.join(' ')}`)
  // L28: a discovery document that sends credentials elsewhere deserves a look.
  const { origin } = new URL(provider.issuer)
  for (const name of ['token_endpoint', 'jwks_uri'] as const) {
    const endpoint = server[name]
    if (endpoint === undefined || !URL.canParse(endpoint)) continue
    if (new URL(endpoint).origin !== origin) warn(`${name} is at ${new URL(endpoint).origin}, not at the issuer's`)
  }
  return findings.length > 0 ? findings : [{ status: 'ok', detail: 'its metadata fit the entry' }]
}

/** A made-up code: who refuses the code has accepted the credentials. */
async function tryToken(
  context: UpstreamContext,
  provider: OAuthProvider,
  server: oauth.AuthorizationServer,
): Promise<Finding> {
  try {
    const client = clientOf(provider)
    const response = await oauth.genericTokenEndpointRequest(
      server,
      client,
      authenticationOf(provider),
      'authorization_code',
      { code: 'gatehouse-provider-check', redirect_uri: 'https://gatehouse.invalid/', code_verifier: 'x'.repeat(43) },
      through(context, provider, 'token'),
    )
    await oauth.processGenericTokenEndpointResponse(server, client, response)
    return { status: 'fail', detail: 'it gave tokens for a code that was made up; do not use it' }
  } catch (error) {
    const failure = readFailure(error)
    if (
      failure.kind === 'refused' &&
      ['invalid_client', 'incorrect_client_credentials', 'unauthorized_client'].includes(failure.why)
    )
      return { status: 'fail', detail: `it does not accept client_id and client_secret (${failure.why}); check both` }
    if (failure.kind === 'refused' && failure.reason === 'upstream_refused')
      return { status: 'ok', detail: `it knows this client (a made-up code was refused: ${failure.why})` }
    return { status: failure.kind === 'unavailable' ? 'fail' : 'warn', detail: `its token endpoint: ${said(failure)}` }
  }
}

function said(failure: UpstreamUnavailable | UpstreamRefused): string {
  return mends[failure.why] ?? `it answered with something else than was expected (${failure.why})`
}
