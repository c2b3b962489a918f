import { describe, statusOf, type Refusal } from '../protocol/errors.ts'
import { basicChallenge, clientChallenge } from '../protocol/challenge.ts'
import type { HeaderLine, HttpRequest, HttpResponse } from '../protocol/http.ts'

const noStore: HeaderLine = ['cache-control', 'no-store']
const jsonType: HeaderLine = ['content-type', 'application/json']

/** RFC 6749 §5.1: whatever holds a token is never cached. */
const secretJson: readonly HeaderLine[] = [jsonType, noStore, ['pragma', 'no-cache']]

export function json(status: number, body: string, headers: readonly HeaderLine[] = []): HttpResponse {
  return { status, headers: headers.length === 0 ? secretJson : [...secretJson, ...headers], body }
}

/** RFC 6749 §5.2: a 401 answers a request that used the Authorization header in the scheme that it used. */
export function oauthError(http: HttpRequest, refusal: Refusal): HttpResponse {
  const status = statusOf(refusal)
  const body = JSON.stringify({ error: refusal.error, error_description: describe(refusal) })
  const challenge = http.headers['authorization'] === undefined ? clientChallenge : basicChallenge
  return json(status, body, [
    ...(status === 401 ? [['www-authenticate', challenge('gatehouse')] as const] : []),
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
