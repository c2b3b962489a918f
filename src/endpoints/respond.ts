import { describe, statusOf, type Refusal } from '../protocol/errors.ts'
import { basicChallenge } from '../protocol/challenge.ts'
import type { HeaderLine, HttpResponse } from '../protocol/http.ts'

const noStore: HeaderLine = ['cache-control', 'no-store']
const jsonType: HeaderLine = ['content-type', 'application/json']

/** RFC 6749 §5.1: whatever holds a token is never cached. */
const secretJson: readonly HeaderLine[] = [jsonType, noStore, ['pragma', 'no-cache']]

export function json(status: number, body: string, headers: readonly HeaderLine[] = []): HttpResponse {
  return { status, headers: headers.length === 0 ? secretJson : [...secretJson, ...headers], body }
}

/** RFC 6749 §5.2; RFC 7235 §3.1: a 401 always names a way to authenticate. */
export function oauthError(refusal: Refusal, headers: readonly HeaderLine[] = []): HttpResponse {
  const status = statusOf(refusal)
  const body = JSON.stringify({ error: refusal.error, error_description: describe(refusal) })
  return json(status, body, [
    ...headers,
    ...(status === 401 ? [['www-authenticate', basicChallenge('gatehouse')] as const] : []),
    ...retryAfter(refusal),
  ])
}

export function retryAfter(refusal: Refusal): readonly HeaderLine[] {
  return refusal.retryAfter === undefined ? [] : [['retry-after', String(refusal.retryAfter)]]
}

/** RFC 9700 §4.12: 303 after a POST, so that a browser never sends credentials on. */
export function seeOther(location: string, headers: readonly HeaderLine[] = []): HttpResponse {
  return {
    status: 303,
    headers: [...headers, ['location', location], noStore, ['referrer-policy', 'no-referrer']],
    body: null,
  }
}
