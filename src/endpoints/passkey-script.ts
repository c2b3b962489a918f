import { passkeyScript } from '../pages/passkey-script.ts'
import type { Endpoint } from '../protocol/http.ts'

/** The script of pages that ask for a passkey: the same bytes for everybody. */
export function createPasskeyScriptEndpoint(): Endpoint {
  const response = {
    status: 200,
    headers: [
      ['content-type', 'text/javascript; charset=utf-8'],
      ['cache-control', 'public, max-age=3600'],
      ['x-content-type-options', 'nosniff'],
      ['cross-origin-resource-policy', 'same-origin'],
    ],
    body: passkeyScript,
  } as const
  return () => response
}
