import type { HeaderLine, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { problem, printProblem, type ProblemCode } from '../protocol/problem.ts'
import type { ErrorStyle } from './route.ts'

/** What the shell itself says no to, before or instead of an endpoint: status, wire code, the same for REST, what is wrong. */
const shellErrors = {
  malformed: [400, 'invalid_request', 'invalid_request', 'the request is malformed'],
  repeated_header: [400, 'invalid_request', 'invalid_request', 'a header that may come once came twice'],
  unwanted_body: [400, 'invalid_request', 'invalid_request', 'this call takes no body'],
  encoding: [400, 'invalid_request', 'invalid_request', 'the body is not valid UTF-8'],
  cross_origin: [403, 'access_denied', 'forbidden', 'calls from this origin are not allowed'],
  not_found: [404, 'not_found', 'not_found', 'there is nothing at this address'],
  method: [405, 'method_not_allowed', 'method_not_allowed', 'this address does not take that method'],
  too_large: [413, 'invalid_request', 'too_large', 'the body is too large'],
  content_type: [415, 'invalid_request', 'unsupported_media_type', 'the body is not of a type that is read here'],
  expectation: [417, 'invalid_request', 'invalid_request', 'only 100-continue can be expected'],
  misdirected: [421, 'invalid_request', 'invalid_request', 'this server does not answer for that host'],
  too_many_headers: [431, 'invalid_request', 'invalid_request', 'the request has too many headers'],
  unexpected: [500, 'server_error', 'server_error', 'something went wrong on our side'],
  unavailable: [
    503,
    'temporarily_unavailable',
    'temporarily_unavailable',
    'not possible at the moment: try again later',
  ],
  audit_unavailable: [
    503,
    'temporarily_unavailable',
    'temporarily_unavailable',
    'the audit sink takes no events, so nothing is issued or changed until it does: try again later',
  ],
} as const satisfies Record<string, readonly [status: number, code: string, problem: ProblemCode, description: string]>

export type ShellErrorName = keyof typeof shellErrors

/** An error of the shell in the words of the wire, for whoever renders it as a page. */
export type ShellError = {
  readonly status: number
  readonly error: string
  readonly description: string
  /** Finds the line in the log. */
  readonly reference?: string
  readonly retryAfterSeconds?: number
}

export type Occasion = {
  readonly reference?: string
  readonly retryAfterSeconds?: number
  readonly headers?: readonly HeaderLine[]
}

/** Renders an error for a person; the headers say in which language. */
export type ErrorPage = (error: ShellError, headers: HttpRequest['headers']) => HttpResponse

export type ErrorAnswers = (
  name: ShellErrorName,
  asked: {
    readonly style: ErrorStyle
    /** Of the request. */
    readonly headers?: HttpRequest['headers']
    readonly occasion?: Occasion
  },
) => HttpResponse

/** Bodies of fixed words: nothing of the request, nothing of what went wrong inside. */
export function createErrorAnswers(errorPage: ErrorPage): ErrorAnswers {
  return (name, { style, headers: asked = {}, occasion = {} }) => {
    const [status, error, code, description] = shellErrors[name]
    const { headers = [], ...about } = occasion
    const answer =
      style === 'page'
        ? errorPage({ status, error, description, ...about }, asked)
        : style === 'problem'
          ? printProblem({ ...problem(code, { detail: description }), status })
          : oauthBody(status, error, description)
    const extra: HeaderLine[] = [...headers]
    // RFC 9110 §10.2.3: one value; a page that says when in words has it already.
    const said = answer.headers.some(([name]) => name === 'retry-after')
    if (about.retryAfterSeconds !== undefined && !said) extra.push(['retry-after', String(about.retryAfterSeconds)])
    return extra.length === 0 ? answer : { ...answer, headers: [...answer.headers, ...extra] }
  }
}

function oauthBody(status: number, error: string, description: string): HttpResponse {
  return {
    status,
    headers: [
      ['content-type', 'application/json'],
      ['cache-control', 'no-store'],
    ],
    body: JSON.stringify({ error, error_description: description }),
  }
}
