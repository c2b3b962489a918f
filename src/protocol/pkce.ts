import { refuse, type Refusal } from './errors.ts'

/** The only method: `plain` doesn't exist here (RFC 9700 §2.1.1). */
export const codeChallengeMethod = 'S256'

/** RFC 7636 §4.1: 43 to 128 unreserved characters. */
const verifier = /^[A-Za-z0-9\-._~]{43,128}$/
/** RFC 7636 §4.2: base64url of 32 bytes. The last character holds four bits, so only every fourth can stand there. */
const challenge = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

export function isCodeVerifier(text: string): boolean {
  return text.length <= 128 && verifier.test(text)
}

export function isCodeChallenge(text: string): boolean {
  return text.length === 43 && challenge.test(text)
}

/** Reads challenge and method of an authorization request. Both must be there: an absent method would mean `plain` (RFC 7636 §4.3). */
export function parseCodeChallenge(text: string | undefined, method: string | undefined): string | Refusal {
  if (text === undefined)
    return refuse('invalid_request', 'pkce_missing', 'code_challenge is required (PKCE, RFC 7636)')
  if (method !== codeChallengeMethod)
    return refuse('invalid_request', 'pkce_method', 'code_challenge_method must be S256')
  return isCodeChallenge(text)
    ? text
    : refuse('invalid_request', 'pkce_malformed', 'code_challenge must be the base64url SHA-256 of the verifier')
}

/**
 * Reads the verifier of a token request. Every code has a challenge, so a missing or misshapen answer is a wrong one:
 * `invalid_grant`, and the caller burns the code as for any other wrong one.
 */
export function parseCodeVerifier(text: string | undefined): string | Refusal {
  if (text === undefined) return refuse('invalid_grant', 'pkce_missing', 'code_verifier is required')
  return isCodeVerifier(text)
    ? text
    : refuse('invalid_grant', 'pkce_malformed', 'code_verifier is 43 to 128 unreserved characters')
}

/** RFC 7636 §4.2: BASE64URL(SHA256(ASCII(verifier))). The hash is given, since this folder has no cryptography. */
export function codeChallengeOf(codeVerifier: string, sha256Base64url: (text: string) => string): string {
  return sha256Base64url(codeVerifier)
}
