import type { ProviderDescription } from '../provider-entry.ts'

/** ORCID: credentials in the body, no address ever, keys without `alg`, tokens that live for twenty years. */
export const orcid: ProviderDescription = {
  title: 'ORCID',
  issuer: 'https://orcid.org',
  token_endpoint_auth_method: 'client_secret_post',
  id_token_signed_response_alg: 'RS256',
  pkce: 'send',
  scope: 'openid',
  connect_scope: 'openid',
  subject: { from: 'id_token' },
  subject_format: 'orcid',
  claims: { amr: { as: 'list' } },
  username_claims: ['name', 'given_name'],
  refresh: 'static',
  expires_in: 631_138_518,
  api_base: 'https://pub.orcid.org',
}
