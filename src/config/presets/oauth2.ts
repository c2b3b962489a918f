import type { ProviderDescription } from '../provider-entry.ts'

/** Any OAuth 2 server: the entry says its endpoints. */
export const oauth2: ProviderDescription = {
  token_endpoint_auth_method: 'client_secret_basic',
  pkce: 'send',
  scope: '',
  username_claims: ['preferred_username', 'username', 'login'],
  refresh: 'rotating',
}
