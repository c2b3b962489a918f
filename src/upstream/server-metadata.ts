import * as oauth from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'
import { adaptedFetch } from './adapted-fetch.ts'
import type { UpstreamContext } from './context.ts'

type Cached = { readonly server: oauth.AuthorizationServer; readonly until: number }

/** What each provider's metadata were when they were last read. Keys of the provider are remembered with them. */
export type ServerCache = Map<string, Cached>

/** A provider's keys and endpoints change by plan; an hour is soon enough. */
const believedMillis = 60 * 60 * 1000

/** The provider's metadata: from its entry, and from its discovery document for what the entry doesn't say. Throws as requests do. */
export async function serverOf(context: UpstreamContext, provider: OAuthProvider): Promise<oauth.AuthorizationServer> {
  const now = context.clock.monotonic()
  const cached = context.upstreamServers.get(provider.name)
  if (cached !== undefined && now < cached.until) return cached.server
  const { endpoints } = provider
  const complete = endpoints.authorization !== undefined && endpoints.token !== undefined
  const needsDiscovery = provider.kind === 'oidc' && (!complete || endpoints.jwks === undefined)
  const found = needsDiscovery ? await discover(context, provider) : undefined
  const server: oauth.AuthorizationServer = {
    ...found,
    // As the document writes it, which is how its ID tokens do.
    issuer: found?.issuer ?? provider.issuer,
    ...(endpoints.authorization !== undefined && { authorization_endpoint: endpoints.authorization }),
    ...(endpoints.token !== undefined && { token_endpoint: endpoints.token }),
    ...(endpoints.userinfo !== undefined && { userinfo_endpoint: endpoints.userinfo }),
    ...(endpoints.revocation !== undefined && { revocation_endpoint: endpoints.revocation }),
    ...(endpoints.jwks !== undefined && { jwks_uri: endpoints.jwks }),
    ...(provider.responseIss && { authorization_response_iss_parameter_supported: true }),
  }
  context.upstreamServers.set(provider.name, { server, until: now + believedMillis })
  return server
}

/** OIDC Discovery §4.3: the document's issuer is the one that was asked (F12). */
async function discover(context: UpstreamContext, provider: OAuthProvider): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(provider.issuer)
  const response = await oauth.discoveryRequest(issuer, {
    algorithm: 'oidc',
    [oauth.customFetch]: adaptedFetch(context, provider, 'document'),
    [oauth.allowInsecureRequests]: provider.allowInsecure,
  })
  return oauth.processDiscoveryResponse(issuer, response)
}
