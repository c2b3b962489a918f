import { describe, statusOf, type Refusal } from '../../protocol/errors.ts'
import type { HeaderLine, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { bearerError } from '../userinfo.ts'
import type { Core } from '../core.ts'
import { json, oauthError, retryAfter } from '../respond.ts'

/** Statuses that the reason decides, whatever the code. */
const statuses: Partial<Record<Refusal['reason'], number>> = {
  handle_unknown: 404,
  connection_unknown: 404,
  connection_denied: 400,
  connection_consent: 400,
  api_too_large: 413,
}

/** Waiting is no mistake, and whoever waits asks often. */
const unlogged: ReadonlySet<Refusal['reason']> = new Set(['connection_pending'])

/** A no of the vault to a program, in the shape of RFC 6749 §5.2. */
export function vaultRefusal(
  core: Core,
  http: HttpRequest,
  { endpoint, refusal }: { readonly endpoint: string; readonly refusal: Refusal },
): HttpResponse {
  const { address } = http.peer
  if (!unlogged.has(refusal.reason)) core.observer.refused(endpoint, refusal, { address })
  const status = statuses[refusal.reason] ?? statusOf(refusal)
  // RFC 6750 §3: the proxy takes a bearer token and nothing else; elsewhere whoever shows none may be a client.
  const isBearer = endpoint === 'vault-proxy' || /^bearer /i.test(http.headers['authorization'] ?? '')
  if (status === 401) return isBearer ? bearerError(refusal) : oauthError(http, refusal)
  return json(
    status,
    JSON.stringify({ error: refusal.error, error_description: describe(refusal) }),
    retryAfter(refusal),
  )
}

/**
 * Whether the caller wants text for his shell rather than JSON (RFC 9110 §12.5.1; of two that he likes as much, the first that he
 * names). Whoever takes text among others, as many a library says by itself, gets JSON.
 */
export function wantsText({ headers }: HttpRequest): boolean {
  const ranges = (headers['accept'] ?? '').split(',').map(readRange)
  const named = (type: string): number => ranges.findIndex((range) => range.type === type)
  const [text, json] = [named('text/plain'), named('application/json')]
  const asText = ranges[text]?.weight ?? 0
  // What is named counts for itself, and otherwise the narrowest range that holds it.
  const asJson = ranges[[json, named('application/*'), named('*/*')].find((at) => at >= 0) ?? -1]?.weight ?? 0
  return asText > asJson || (asText > 0 && asText === asJson && (json < 0 || text < json))
}

function readRange(text: string): { readonly type: string; readonly weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) }
}

const noStore: HeaderLine = ['cache-control', 'no-store']

export function text(status: number, body: string): HttpResponse {
  return { status, headers: [['content-type', 'text/plain; charset=utf-8'], noStore], body }
}
