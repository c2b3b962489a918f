import type { Reason } from './reasons.ts'

/**
 * Every error code that ever goes over the wire, with its HTTP status where it is answered directly
 * (in a redirect the status is the redirect's) and the one sentence that describes it.
 * A sentence keeps to the characters of `error_description` (RFC 6749 §5.2): printable ASCII without `"` and `\`.
 */
const wireErrors = {
  // RFC 6749 §4.1.2.1, §5.2
  invalid_request: [400, 'the request lacks a parameter, holds one twice, or is otherwise malformed'],
  invalid_client: [401, 'client authentication failed'],
  invalid_grant: [
    400,
    'the code, refresh token, assertion or password is invalid, expired, revoked or was issued to another client',
  ],
  unauthorized_client: [400, 'this client may not do this'],
  unsupported_grant_type: [400, 'this server has no such grant type'],
  unsupported_response_type: [400, 'this server has no such response type'],
  invalid_scope: [400, 'the scope is malformed or more than may be asked for'],
  access_denied: [403, 'access was denied'],
  server_error: [500, 'something went wrong on our side'],
  temporarily_unavailable: [503, 'not possible at the moment: try again later'],
  bad_gateway: [502, 'the provider gave no answer that can be passed on'],
  // OpenID Connect Core §3.1.2.6
  interaction_required: [400, 'the person must be asked something first'],
  login_required: [400, 'the person must sign in first'],
  account_selection_required: [400, 'the person must choose an account first'],
  consent_required: [400, 'the person must consent first'],
  // OpenID Connect Core Error Code unmet_authentication_requirements §2; RFC 9470 §5
  unmet_authentication_requirements: [400, 'the person could not be authenticated in the way that was asked for'],
  request_not_supported: [400, 'request objects are not supported'],
  request_uri_not_supported: [400, 'request_uri is not supported'],
  registration_not_supported: [400, 'the registration parameter is not supported'],
  // RFC 8707 §2
  invalid_target: [400, 'the resource is unknown, malformed or not one that may be asked for'],
  // RFC 6750 §3.1
  invalid_token: [401, 'the access token is missing, malformed, expired or revoked'],
  insufficient_scope: [403, 'the access token does not reach that far'],
  // RFC 9470 §3
  insufficient_user_authentication: [401, 'a more recent sign-in is needed'],
  // RFC 8628 §3.5, and ours for what no RFC has a word for
  authorization_pending: [400, 'nobody has consented yet'],
  expired_token: [400, 'the start or the connection has ended: start again'],
  needs_reauth: [400, 'the provider takes the tokens no more: connect again'],
  // RFC 7591 §3.2.2
  invalid_redirect_uri: [400, 'a redirect URI is not acceptable'],
  invalid_client_metadata: [400, 'a field of the client metadata is not acceptable'],
} as const satisfies Record<string, readonly [status: number, description: string]>

/** An error code of an RFC. Clients act on it. */
export type WireError = keyof typeof wireErrors

/** All of them, for tables and documents. */
export const wireErrorCodes = Object.keys(wireErrors) as readonly WireError[]

/**
 * A no, as a value. Its two audiences never share a field: `error` and `hint` go over the wire, `reason` into log and event.
 */
export type Refusal = {
  readonly error: WireError
  readonly reason: Reason
  /** A fixed sentence of ours that helps the client's developer and replaces the code's general one. Never holds anything from the request. */
  readonly hint?: string
  /** Seconds to wait, where waiting helps (Retry-After, RFC 9110 §10.2.3). */
  readonly retryAfter?: number
}

export function refuse(error: WireError, reason: Reason, hint?: string): Refusal {
  return hint === undefined ? { error, reason } : { error, reason, hint }
}

/** Whether a parser's answer is a refusal. None of our own values has both fields; foreign objects never get here unparsed. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'error' in value && 'reason' in value
}

/** The text for `error_description`. */
export function describe(refusal: Refusal): string {
  return refusal.hint ?? wireErrors[refusal.error][1]
}

/** A no to one attempt too many. */
export function throttled(retryAfter: number): Refusal {
  return {
    error: 'temporarily_unavailable',
    reason: 'rate_limited',
    hint: 'too many attempts: wait before the next one',
    retryAfter,
  }
}

/** The HTTP status of a refusal that is answered directly. RFC 6585 §4: 429 where it was one request too many. */
export function statusOf(refusal: Refusal): number {
  return refusal.reason === 'rate_limited' ? 429 : wireErrors[refusal.error][0]
}
