import type { Endpoint } from '../protocol/http.ts'
import type { Core } from './core.ts'

/**
 * Discovery (OIDC Discovery §4, RFC 8414 §3): the same bytes for everybody, made once.
 * Nothing of a request can reach them, so a shared cache can't be poisoned (G09).
 */
export function createMetadataEndpoint(core: Core): Endpoint {
  const response = {
    status: 200,
    headers: [
      ['content-type', 'application/json'],
      ['cache-control', 'public, max-age=300'],
    ],
    body: JSON.stringify(core.metadata),
  } as const
  return () => response
}

/** The public signing keys (RFC 7517 §5): announced, active and retired ones that something unexpired was signed with. */
export function createJwksEndpoint(core: Core): Endpoint {
  return (request) => {
    const { body, etag, maxAgeSeconds } = core.keys.jwks()
    const headers = [
      ['content-type', 'application/jwk-set+json'],
      ['cache-control', `public, max-age=${maxAgeSeconds}`],
      ['etag', etag],
    ] as const
    return request.headers['if-none-match'] === etag
      ? { status: 304, headers, body: null }
      : { status: 200, headers, body }
  }
}
