import type { HeaderLine, HttpResponse } from '../protocol/http.ts'
import { printProblem } from '../protocol/problem.ts'
import type { Operation } from './operation.ts'
import type { Rejected, Result } from './result.ts'

const json: HeaderLine = ['content-type', 'application/json']
const noStore: HeaderLine = ['cache-control', 'no-store']

/** How a call ended, as HTTP. Nothing of it may be kept: an answer may hold a secret, and always holds what was true a moment ago. */
export function printResult({ answer }: Pick<Operation, 'answer'>, result: Result<unknown>): HttpResponse {
  if ('refused' in result) return printRefused(result)
  if ('accepted' in result) return { status: 202, headers: [json, noStore], body: '{}' }
  const headers = [noStore, ...(result.location === undefined ? [] : [['location', result.location] as const])]
  if (answer.status === 204) return { status: 204, headers, body: null }
  const status = result.found === true ? 200 : answer.status
  return { status, headers: [json, ...headers], body: JSON.stringify(result.done) }
}

/** RFC 9457, with what the status asks for beside it: a challenge (RFC 6750 §3), a time to wait (RFC 9110 §10.2.3). */
export function printRefused({ refused, challenge, retryAfter }: Rejected): HttpResponse {
  const printed = printProblem(refused)
  return {
    ...printed,
    headers: [
      ...printed.headers,
      ...(challenge === undefined ? [] : [['www-authenticate', challenge] as const]),
      ...(retryAfter === undefined ? [] : [['retry-after', String(retryAfter)] as const]),
    ],
  }
}
