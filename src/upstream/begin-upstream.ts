import { sha256 } from '../crypto/hash.ts'
import type { OAuthProvider } from '../config/provider.ts'
import type { Seconds } from '../protocol/time.ts'
import type { UpstreamContext } from './context.ts'
import type { FlowSecrets } from './flow-secrets.ts'
import { serverOf } from './server-metadata.ts'
import { readFailure, type UpstreamRefused, type UpstreamUnavailable } from './upstream-answer.ts'

export type Beginning = {
  /** 256 random bits, base64url; comes back with the browser. */
  readonly state: string
  readonly secrets: FlowSecrets
  readonly redirectUri: string
  readonly scope: readonly string[]
  /** Ask for a refresh token, where that takes asking. */
  readonly offline: boolean
  /** How long ago the person may have proved himself to the provider; 0: he must do it anew. */
  readonly maxAge?: Seconds | undefined
}

/** The authorization request (RFC 6749 §4.1.1) that a browser is sent to a provider with. */
export async function beginUpstream(
  context: UpstreamContext,
  provider: OAuthProvider,
  beginning: Beginning,
): Promise<{ readonly kind: 'begun'; readonly url: string } | UpstreamUnavailable | UpstreamRefused> {
  try {
    const server = await serverOf(context, provider)
    const endpoint = server.authorization_endpoint
    const misconfigured = (why: string): UpstreamRefused => ({ kind: 'refused', reason: 'upstream_misconfigured', why })
    if (endpoint === undefined || !isWebUrl(endpoint, provider.allowInsecure))
      return misconfigured('authorization_endpoint')
    const methods = server.code_challenge_methods_supported
    if (provider.pkce === 'required' && methods !== undefined && !methods.includes('S256')) return misconfigured('pkce')
    const url = new URL(endpoint)
    const { state, secrets, redirectUri, scope } = beginning
    const parameters: Record<string, string> = {
      ...provider.authorizeParameters,
      ...(beginning.offline ? provider.offlineParameters : {}),
      ...(isOpenId(provider, scope) ? freshness(beginning.maxAge) : {}),
      response_type: 'code',
      client_id: provider.clientId,
      redirect_uri: redirectUri,
      ...(scope.length === 0 ? {} : { scope: scope.join(provider.requestScopeSeparator) }),
      state,
      // RFC 7636 §4.3; a provider that doesn't know it ignores it (RFC 6749 §3.1).
      ...(provider.pkce === 'off' ? {} : { code_challenge: sha256(secrets.verifier), code_challenge_method: 'S256' }),
      ...(isOpenId(provider, scope) ? { nonce: secrets.nonce } : {}),
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    // Etsy wants its spaces as %20, and nobody minds.
    const query = url.search.replaceAll('+', '%20')
    url.search = ''
    return { kind: 'begun', url: `${url.href}${query}` }
  } catch (error) {
    return readFailure(error)
  }
}

/** OIDC Core §3.1.2.1: `max_age` besides `prompt`, since it obliges the provider to say `auth_time`. */
function freshness(maxAge: Seconds | undefined): Readonly<Record<string, string>> {
  if (maxAge === undefined) return {}
  return { max_age: String(maxAge), ...(maxAge === 0 ? { prompt: 'login' } : {}) }
}

/** Whether an ID token is asked for, and must come. */
export function isOpenId(provider: OAuthProvider, scope: readonly string[]): boolean {
  return provider.kind === 'oidc' && scope.includes('openid')
}

/** F14: what a discovery document calls an endpoint is only then a place to send a browser to. */
function isWebUrl(text: string, allowInsecure: boolean): boolean {
  if (!URL.canParse(text)) return false
  const { protocol } = new URL(text)
  return protocol === 'https:' || (allowInsecure && protocol === 'http:')
}
