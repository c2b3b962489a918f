import { clockTolerance } from '../protocol/time.ts'
import * as oauth from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'
import type { UpstreamContext } from './context.ts'
import { adaptedFetch } from './adapted-fetch.ts'

/** Who we are at a provider. */
export function clientOf(provider: OAuthProvider): oauth.Client {
  return {
    client_id: provider.clientId,
    [oauth.clockTolerance]: clockTolerance,
    ...(provider.idTokenAlgorithm !== undefined && { id_token_signed_response_alg: provider.idTokenAlgorithm }),
  }
}

/** How we prove it. */
export function authenticationOf(provider: OAuthProvider): oauth.ClientAuth {
  const secret = provider.clientSecret?.reveal()
  if (provider.tokenEndpointAuthMethod === 'none' || secret === undefined) return oauth.None()
  return provider.tokenEndpointAuthMethod === 'client_secret_post'
    ? oauth.ClientSecretPost(secret)
    : oauth.ClientSecretBasic(secret)
}

/** Options of every request of oauth4webapi: through the guarded fetch. */
export function through(context: UpstreamContext, provider: OAuthProvider, what: 'token' | 'document') {
  return {
    [oauth.customFetch]: adaptedFetch(context, provider, what),
    [oauth.allowInsecureRequests]: provider.allowInsecure,
  }
}
