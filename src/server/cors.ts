import type { IncomingHttpHeaders } from 'node:http'
import type { HeaderLine, HttpResponse } from '../protocol/http.ts'

/**
 * Scripts of any origin may call and read; no cookie ever goes along, since credentials are never allowed. Constant, so that no
 * answer depends on who asked (G09).
 */
export const corsHeaders: readonly HeaderLine[] = [
  ['access-control-allow-origin', '*'],
  ['access-control-expose-headers', 'WWW-Authenticate, Retry-After'],
]

/** G07: a page without an origin (a sandboxed frame, a data: URL) belongs to nobody who could be trusted with an answer. */
export function isOpaqueOrigin(headers: IncomingHttpHeaders): boolean {
  return headers.origin === 'null'
}

/** The answer to a preflight (Fetch §4.8). The method asked for isn't echoed; the browser compares by itself. */
export function preflight(methods: readonly string[]): HttpResponse {
  return {
    status: 204,
    headers: [
      ...corsHeaders,
      ['access-control-allow-methods', methods.join(', ')],
      ['access-control-allow-headers', 'authorization, content-type'],
      ['access-control-max-age', '600'],
    ],
    body: null,
  }
}
