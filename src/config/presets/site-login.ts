import type { ProviderDescription } from '../provider-entry.ts'

/** A site whose only interface is a login API. */
export const siteLogin: ProviderDescription = {
  login_request: 'json',
  login_fields: { username: 'username', password: 'password', session_length: 'lifetime' },
  session_lengths: [86_400, 3600, 604_800],
  credential_field: 'access_token',
  subject_claim: 'userId',
  username_claim: 'username',
  wrong_statuses: [401],
  locked_statuses: [403],
}
