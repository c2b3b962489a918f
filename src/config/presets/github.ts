import type { ProviderDescription } from '../provider-entry.ts'

/** GitHub: OAuth 2 without ID tokens; the numeric id is the account, the login may be renamed and taken by others. */
export const github: ProviderDescription = {
  title: 'GitHub',
  issuer: 'https://github.com',
  authorization_endpoint: 'https://github.com/login/oauth/authorize',
  token_endpoint: 'https://github.com/login/oauth/access_token',
  userinfo_endpoint: 'https://api.github.com/user',
  emails_endpoint: 'https://api.github.com/user/emails',
  token_endpoint_auth_method: 'client_secret_post',
  pkce: 'send',
  scope: 'read:user user:email',
  connect_scope: 'read:user',
  scope_separator: ',',
  token_response: 'form',
  error_in_success: true,
  subject: { from: 'userinfo', claim: 'id' },
  username_claims: ['login'],
  refresh: 'none',
  refresh_errors: ['bad_refresh_token'],
  api_base: 'https://api.github.com',
  api_headers: { accept: 'application/vnd.github+json' },
}
