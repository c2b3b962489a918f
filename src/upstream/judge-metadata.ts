import type { AuthorizationServer } from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'

export type Finding = { readonly status: 'ok' | 'warn' | 'fail'; readonly detail: string }

/** What an entry and a provider's metadata say of each other, without asking anybody. */
export function judgeMetadata(provider: OAuthProvider, server: AuthorizationServer): readonly Finding[] {
  const findings: Finding[] = []
  const warn = (detail: string): void => void findings.push({ status: 'warn', detail })
  const fail = (detail: string): void => void findings.push({ status: 'fail', detail })
  // OIDC Discovery §4.3 wants them equal; a slash at the end is let pass, and its ID tokens write it as the document does.
  if (server.issuer !== provider.issuer)
    fail(
      `it writes its issuer ${server.issuer}, not ${provider.issuer}: write it so too, or who is linked by an administrator is somebody else than who signs in`,
    )
  if (server.authorization_endpoint === undefined) fail('it names no authorization_endpoint; add it to the entry')
  if (server.token_endpoint === undefined) fail('it names no token_endpoint; add it to the entry')
  if (provider.kind === 'oidc' && server.jwks_uri === undefined) fail('it names no jwks_uri; add it to the entry')
  const methods = server.token_endpoint_auth_methods_supported
  if (methods !== undefined && !methods.includes(provider.tokenEndpointAuthMethod))
    fail(`it takes ${methods.join(', ')}, not ${provider.tokenEndpointAuthMethod}; change token_endpoint_auth_method`)
  judgePkce(provider, server, { warn, fail })
  judgeScope(provider, server, { warn, fail })
  const algorithms = server.id_token_signing_alg_values_supported
  const wanted = provider.idTokenAlgorithm ?? 'RS256'
  if (provider.kind === 'oidc' && algorithms?.includes(wanted) === false)
    fail(`it signs ID tokens with ${algorithms.join(', ')}, not ${wanted}; say id_token_signed_response_alg`)
  // Google: the parameter chooses among accounts, the claim says whose it is.
  const hints = { ...provider.authorizeParameters, ...provider.offlineParameters }
  if (hints['hd'] !== undefined && provider.requiredClaims['hd'] === undefined)
    fail(`the parameter hd only asks, and keeps nobody out; demand it: required_claims: { hd: ${hints['hd']} }`)
  // L28: a discovery document that sends credentials elsewhere deserves a look.
  const { origin } = new URL(provider.issuer)
  for (const name of ['token_endpoint', 'jwks_uri', 'userinfo_endpoint', 'revocation_endpoint'] as const) {
    const endpoint = server[name]
    if (endpoint === undefined || !URL.canParse(endpoint)) continue
    if (new URL(endpoint).origin !== origin) warn(`${name} is at ${new URL(endpoint).origin}, not at the issuer's`)
  }
  return findings.length > 0 ? findings : [{ status: 'ok', detail: 'its metadata fit the entry' }]
}

type Complaints = { readonly warn: (detail: string) => void; readonly fail: (detail: string) => void }

function judgePkce(provider: OAuthProvider, server: AuthorizationServer, { warn, fail }: Complaints): void {
  const challenges = server.code_challenge_methods_supported
  if (provider.pkce === 'off') warn('pkce is off: a code that somebody steals on the way is worth a sign-in')
  else if (challenges?.includes('S256') === false)
    (provider.pkce === 'required' ? fail : warn)('it does not do PKCE with S256; choose pkce: send, if that must do')
}

function judgeScope(provider: OAuthProvider, server: AuthorizationServer, { warn, fail }: Complaints): void {
  if (provider.kind === 'oidc' && !provider.scope.includes('openid'))
    fail('scope lacks openid, without which no ID token comes; add it')
  const asked = [...new Set([...provider.scope, ...provider.connectScope])]
  const joined = asked.filter((scope) => scope.includes(','))
  if (joined.length > 0)
    fail(
      `${joined.join(' ')} looks like several scopes; put spaces between them (request_scope_separator says what it wants there)`,
    )
  const unknown = asked.filter((scope) => server.scopes_supported?.includes(scope) === false)
  if (unknown.length > 0) warn(`it does not list the scope ${unknown.join(' ')}`)
}
