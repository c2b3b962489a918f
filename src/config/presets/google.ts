import type { ProviderDescription } from '../provider-entry.ts'

/** Google: a refresh token comes with `access_type=offline`, at first consent alone; a refresh doesn't repeat it. */
export const google: ProviderDescription = {
  title: 'Google',
  issuer: 'https://accounts.google.com',
  issuer_aliases: ['accounts.google.com'],
  token_endpoint_auth_method: 'client_secret_post',
  id_token_signed_response_alg: 'RS256',
  pkce: 'send',
  scope: 'openid email profile',
  connect_scope: 'openid',
  offline_parameters: { access_type: 'offline', prompt: 'consent' },
  subject: { from: 'id_token' },
  claims: { email_verified: { as: 'boolean' } },
  username_claims: ['given_name'],
  refresh: 'static',
  expires_in: 3600,
  api_base: 'https://www.googleapis.com',
}
