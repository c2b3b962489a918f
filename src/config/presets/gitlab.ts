import type { ProviderDescription } from '../provider-entry.ts'

/** GitLab, here gitlab.com; another instance names its own `issuer`. */
export const gitlab: ProviderDescription = {
  title: 'GitLab',
  issuer: 'https://gitlab.com',
  token_endpoint_auth_method: 'client_secret_post',
  pkce: 'required',
  scope: 'openid profile email',
  connect_scope: 'read_user',
  subject: { from: 'id_token' },
  username_claims: ['preferred_username', 'nickname'],
  refresh: 'rotating',
  expires_in: 7200,
}
