/**
 * Why something was refused, in our own words: the closed vocabulary of logs, events and metrics, never of the wire.
 * The sentence is for the operator who meets the reason in a log. New reasons are lines here.
 */
export const reasons = {
  // Shape of requests
  parameters_too_long: 'The form or query was longer than allowed',
  parameters_too_many: 'The form or query held more parameters than allowed',
  parameter_encoding: 'The form or query held an invalid percent escape or invalid UTF-8',
  parameter_control_character: 'The form or query held a control character',
  parameter_repeated: 'A parameter came more than once',
  parameter_malformed: 'A parameter does not have its shape',
  parameter_missing: 'A required parameter was missing or empty',
  parameter_too_long: 'A parameter was longer than allowed',
  content_type: 'The body was not of the content type that this endpoint reads',
  method_not_allowed: 'The endpoint does not take this HTTP method',
  rate_limited: 'Too many attempts',

  // Clients and their authentication
  client_unknown: 'No such client',
  client_disabled: 'The client is switched off',
  client_mismatch: 'The request named one client and authenticated another',
  client_loopback_only: 'The client works from a loopback address alone',
  credentials_missing: 'No credentials were sent',
  credentials_malformed: 'The Authorization header could not be read',
  credentials_several: 'More than one way of authentication was used at once',
  authentication_method: 'The client is registered for another authentication method',
  secret_wrong: 'The client secret was wrong',
  assertion_malformed: 'The client assertion could not be read',
  assertion_type: 'The client assertion or its typ is not of the right type',
  assertion_algorithm: 'The client assertion uses another algorithm than registered',
  assertion_key: 'No registered key fits the client assertion',
  assertion_signature: 'The signature of the client assertion is wrong',
  assertion_issuer: 'iss and sub of the client assertion are not the client',
  assertion_audience: 'The audience of the client assertion is not this server',
  assertion_times: 'exp, iat or nbf of the client assertion are missing or out of range',
  assertion_jti: 'The client assertion has no usable jti',
  assertion_replayed: 'The client assertion was used before',

  // Authorization requests
  redirect_uri_missing: 'No redirect URI was named and the client has not exactly one',
  redirect_uri_mismatch:
    'The redirect URI is not one that the client registered, or not the one of the authorization request',
  response_type_missing: 'No response type was named',
  response_type_unsupported: 'This server does not have that response type',
  response_type_not_allowed: 'The client may not use that response type',
  response_mode_unsupported: 'The response mode does not exist or does not fit the response type',
  pkce_missing: 'No code challenge was sent',
  pkce_method: 'The code challenge method is not S256',
  pkce_malformed: 'The code challenge or verifier does not have its shape',
  state_too_long: 'The state was longer than allowed',
  prompt_malformed: 'The prompt holds an unknown value or none beside others',
  max_age_malformed: 'max_age is not a decimal number of seconds',
  claims_malformed: 'The claims parameter is not of the shape of OIDC Core 5.5',
  request_object_unsupported: 'A request object or registration parameter was sent',

  // Scope and resource
  scope_malformed: 'The scope does not follow the grammar of RFC 6749 3.3 or is too long',
  scope_not_allowed: 'The client or user may not have a scope that was asked for',
  scope_not_held: 'More scope was asked for than the grant holds',
  scope_not_of_resource: 'The resource knows none of the scopes asked for',
  resource_malformed: 'A resource is not an absolute URI without fragment',
  resource_not_allowed: 'The client may not name that resource',
  resource_not_held: 'A resource was asked for that the grant does not hold',
  unknown_resource: 'The resource does not exist or is switched off',
  several_resources: 'More than one resource was named for one access token',

  // Codes and refresh tokens
  grant_type_missing: 'No grant type was named',
  grant_type_unsupported: 'This server does not have that grant type',
  grant_type_not_allowed: 'The client may not use that grant type',
  code_malformed: 'The code is not one of ours: shape or MAC is wrong',
  unknown_code: 'The code is ours, but its grant is gone',
  code_expired: 'The code came too late',
  code_redeemed: 'The code was redeemed before, and came again from somebody who lacks client or verifier',
  code_replayed: 'The code came again with right client and verifier: all that it made is revoked',
  code_burned: 'The code had been presented wrongly before',
  code_of_other_client: 'The code was issued to another client',
  verifier_mismatch: 'The code verifier does not fit the challenge',
  refresh_malformed: 'The refresh token is not one of ours: shape or MAC is wrong',
  unknown_grant: 'The grant is gone',
  grant_revoked: 'The grant was revoked',
  refresh_expired: 'The refresh token expired, idle or absolute',
  refresh_of_other_client: 'The refresh token was issued to another client',
  refresh_reuse: 'An old refresh token came again: its family is revoked',
  store_rollback: 'A refresh token of ours is newer than the store: the store went back in time',
  epoch_changed: 'Account, client or everybody was revoked after this was issued',

  // Access tokens
  token_malformed: 'The token has the shape of none of ours',
  token_signature: 'Signature, MAC or seal of the token is wrong',
  token_type: 'The token is of another type than is wanted here',
  token_expired: 'The token has expired',
  caveat_context_malformed: 'The caveat context is not an object of the four texts that it may hold',
  token_caveat: 'A caveat of the macaroon is unknown, malformed or not met by the call',
  token_undischarged: 'A third-party caveat of the macaroon came without its discharge',
  token_revoked: 'The token was revoked',
  token_audience: 'The token is for another resource',
  token_scope: 'The token lacks a scope that is wanted here',
  token_repeated: 'The token was sent in more than one way',
  token_too_large: 'What was to be said does not fit into a token',
  token_foreign: 'The token belongs to another client',

  // People
  user_unknown: 'No such account',
  user_locked: 'The account is locked',
  user_not_allowed: 'The account may not do this',
  password_wrong: 'The password was wrong',
  username_malformed: 'The user name is not acceptable',
  no_session: 'No live session',
  session_ended: 'The person signed out',
  login_required: 'Nobody is signed in and nobody may be asked',
  consent_required: 'Consent is needed and nobody may be asked',
  account_selection_required: 'An account must be chosen and nobody may be asked',
  interaction_required: 'A person is needed and nobody may be asked',
  consent_denied: 'The person said no',
  acr_unmet: 'The way of sign-in that the client calls essential was not met',
  recent_sign_in: 'The last sign-in is too long ago for this',
  hint_malformed: 'The id_token_hint is not an ID token of ours',

  // Other providers
  provider_unknown: 'No such provider, or not one for this',
  flow_unknown: 'The state is none of ours, has expired or was used before',
  flow_of_other_provider: 'The state was made for another provider than the callback is for',
  flow_of_other_browser: 'The state was made for another browser or session',
  upstream_denied: 'The provider, or the person there, said no',
  upstream_issuer: 'The callback names another issuer, or none where one was promised',
  upstream_refused: 'The provider refused the code or credential',
  upstream_malformed: 'The provider answered with something that is no answer',
  upstream_id_token: 'The ID token of the provider does not hold',
  upstream_subject: 'The provider gave no usable id of the person',
  upstream_misconfigured: 'The provider does not do what its entry demands of it',
  upstream_unavailable: 'The provider gave no answer',
  identity_unknown: 'No account has this identity, and newcomers are not let in',
  identity_taken: 'The identity belongs to another account',
  identity_exists: 'The account has an identity of this provider already',
  identity_last: 'Without this identity nobody could sign in to the account',

  // Browsers
  cross_site: 'Origin or Fetch-Metadata name another site',
  form_token: 'The form token does not fit the browser',

  // Client metadata
  metadata_malformed: 'A field of the client metadata has the wrong shape',
  metadata_unknown: 'The client metadata holds a field that does not exist',
  metadata_unsupported: 'A field of the client metadata asks for what this server does not do',
  metadata_conflict: 'Two fields of the client metadata do not fit together',
  redirect_uri_malformed: 'A redirect URI breaks the rules for registration',

  // REST
  role_too_low: 'The account has a lower role than this needs',
  managed_by_file: 'The entry comes from the configuration file',
  not_found: 'No such thing',
  conflict: 'It exists already, or changed meanwhile',

  // Ourselves
  overloaded: 'A queue was full',
  unexpected: 'An error that nobody foresaw',
} as const satisfies Record<string, string>

export type Reason = keyof typeof reasons
