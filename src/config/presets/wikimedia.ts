import type { ProviderDescription } from '../provider-entry.ts'

/** Wikimedia: OAuth 2 without discovery or ID tokens; the user name may change, the central id never does. */
export const wikimedia: ProviderDescription = {
  title: 'Wikimedia',
  issuer: 'https://meta.wikimedia.org',
  authorization_endpoint: 'https://meta.wikimedia.org/w/rest.php/oauth2/authorize',
  token_endpoint: 'https://meta.wikimedia.org/w/rest.php/oauth2/access_token',
  userinfo_endpoint: 'https://meta.wikimedia.org/w/rest.php/oauth2/resource/profile',
  token_endpoint_auth_method: 'client_secret_post',
  pkce: 'send',
  scope: '',
  subject: { from: 'userinfo', claim: 'sub' },
  username_claims: ['username'],
  name_claim: 'realname',
  refresh: 'rotating',
  // What league/oauth2-server says up to its version 8, on which MediaWiki's OAuth stands.
  refresh_errors: ['invalid_request'],
  expires_in: 14_400,
  api_base: 'https://meta.wikimedia.org',
}
