import type { Endpoint } from '../protocol/http.ts'

/** A script of our pages: the same bytes for everybody. */
export function createPageScriptEndpoint(script: string): Endpoint {
  const response = {
    status: 200,
    headers: [
      ['content-type', 'text/javascript; charset=utf-8'],
      ['cache-control', 'public, max-age=3600'],
      ['x-content-type-options', 'nosniff'],
      ['cross-origin-resource-policy', 'same-origin'],
    ],
    body: script,
  } as const
  return () => response
}
