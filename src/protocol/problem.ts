import type { HttpResponse } from './http.ts'

/** What can be wrong with a REST request, as a closed vocabulary: RFC 9457 leaves it to each API. */
const problems = {
  invalid_request: [400, 'The request is malformed'],
  invalid_field: [400, 'A field is not acceptable'],
  invalid_cursor: [400, 'The cursor is not one of ours'],
  invalid_token: [401, 'A valid access token is needed'],
  invalid_signature: [401, 'The request must be signed by a client'],
  recent_sign_in_needed: [401, 'A more recent sign-in is needed'],
  insufficient_scope: [403, 'The access token does not reach that far'],
  forbidden: [403, 'Not allowed'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'Method not allowed'],
  conflict: [409, 'It exists already, or changed meanwhile'],
  managed_by_file: [409, 'The entry comes from the configuration file and is changed there'],
  too_large: [413, 'The request is too large'],
  unsupported_media_type: [415, 'The body is not of a type that is read here'],
  rate_limited: [429, 'Too many requests'],
  server_error: [500, 'Something went wrong on our side'],
  temporarily_unavailable: [503, 'Not possible at the moment'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof problems

/** All of them, for tables and documents. */
export const problemCodes = Object.keys(problems) as readonly ProblemCode[]

/** An error of the REST API (RFC 9457 §3). `detail` says what is wrong here and how to mend it; it never holds a secret. */
export type Problem = {
  readonly type: `urn:gatehouse:problem:${ProblemCode}`
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail?: string
  /** The field concerned, in wire names. */
  readonly field?: string
}

export function problem(code: ProblemCode, about: { readonly detail?: string; readonly field?: string } = {}): Problem {
  const [status, title] = problems[code]
  return { type: `urn:gatehouse:problem:${code}`, title, status, code, ...about }
}

export function printProblem(of: Problem): HttpResponse {
  return {
    status: of.status,
    headers: [
      ['content-type', 'application/problem+json'],
      ['cache-control', 'no-store'],
    ],
    body: JSON.stringify(of),
  }
}
