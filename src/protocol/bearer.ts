import { refuse, type Refusal } from './errors.ts'

/** Above the largest token that we make (a macaroon with its discharges). */
const longest = 16_384
/** RFC 6750 §2.1 b64token, after exactly one space. The scheme's case doesn't matter (RFC 9110 §11.1). */
const bearer = /^bearer ([A-Za-z0-9\-._~+/]+={0,2})$/i

/** Reads the `Authorization` of a resource request: the token, or a refusal. An absent header is the caller's case (RFC 6750 §3.1: challenge without error). */
export function parseBearerAuthorization(header: string): string | Refusal {
  if (header.length > longest) return refuse('invalid_token', 'credentials_malformed')
  return bearer.exec(header)?.[1] ?? refuse('invalid_token', 'credentials_malformed')
}
