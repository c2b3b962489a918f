import { describe, type Refusal } from './errors.ts'

/** `WWW-Authenticate` for client authentication (RFC 6749 §5.2, RFC 7617 §2). */
export function basicChallenge(realm: string): string {
  return `Basic realm=${quote(realm)}, charset="UTF-8"`
}

/**
 * `WWW-Authenticate` for client authentication by form fields or not at all: a 401 always names a scheme (RFC 9110 §11.6.1), and this
 * is one for which no browser asks its user for a password.
 */
export function clientChallenge(realm: string): string {
  return `Client realm=${quote(realm)}`
}

/**
 * `WWW-Authenticate` for a bearer token (RFC 6750 §3). Without a refusal (no token was sent) it names no error (§3.1);
 * `scope` is what the request would have needed.
 */
export function bearerChallenge(realm: string, refusal?: Refusal, scope?: string): string {
  const parts = [`realm=${quote(realm)}`]
  if (refusal !== undefined) {
    parts.push(`error=${quote(refusal.error)}`, `error_description=${quote(describe(refusal))}`)
  }
  if (scope !== undefined) parts.push(`scope=${quote(scope)}`)
  return `Bearer ${parts.join(', ')}`
}

/** quoted-string (RFC 9110 §5.6.4). Characters that no header can hold become `?`. */
function quote(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, (sign) => `\\${sign}`)}"`
}
