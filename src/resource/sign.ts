import { createRandom } from '../crypto/random.ts'
import { signRequest, type RequestSigner, type UnsignedRequest } from '../crypto/sign-request.ts'
import { systemClock } from './clock.ts'

const random = createRandom()

/**
 * The headers that sign a request (RFC 9421) as a client of Gatehouse: send them with it, within the minute, once.
 * `await fetch(url, { method, body, headers: { ...headers, ...sign({ method, url, headers, body }, by) } })`
 */
export function sign(request: UnsignedRequest, by: RequestSigner): Readonly<Record<string, string>> {
  return signRequest(request, { ...by, now: systemClock(), nonce: random.text(16) })
}
