import type { ProviderDescription } from '../provider-entry.ts'

/** Etsy Open API v3: a bare keystring at the token endpoint, keystring and shared secret with every call. */
export const etsy: ProviderDescription = {
  title: 'Etsy',
  issuer: 'https://www.etsy.com',
  authorization_endpoint: 'https://www.etsy.com/oauth/connect',
  token_endpoint: 'https://api.etsy.com/v3/public/oauth/token',
  token_endpoint_auth_method: 'none',
  pkce: 'required',
  scope: 'profile_r',
  connect_scope: 'listings_r listings_w',
  subject: { from: 'token_prefix' },
  sign_in: 'off',
  refresh: 'rotating',
  expires_in: 3600,
  refresh_ttl: 90 * 24 * 60 * 60,
  api_base: 'https://api.etsy.com',
  api_probe: '/v3/application/openapi-ping',
  api_headers: { 'x-api-key': '{client_id}:{shared_secret}' },
}
