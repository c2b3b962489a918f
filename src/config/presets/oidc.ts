import type { ProviderDescription } from '../provider-entry.ts'

/** Any OpenID provider with a discovery document. */
export const oidc: ProviderDescription = {
  token_endpoint_auth_method: 'client_secret_basic',
  pkce: 'send',
  scope: 'openid profile email',
  connect_scope: 'openid offline_access',
  // OIDC Core §11: without `prompt=consent`, `offline_access` is ignored.
  offline_parameters: { prompt: 'consent' },
  subject: { from: 'id_token' },
  username_claims: ['preferred_username', 'nickname'],
  refresh: 'rotating',
}
