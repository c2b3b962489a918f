import type { HttpRequest } from '../protocol/http.ts'
import type { CaveatContext } from '../tokens/caveat-context.ts'

/** A call of ours as a macaroon's caveats see it. `endpoint` is its name in the documents. */
export function callOf(endpoint: string, request: Pick<HttpRequest, 'method' | 'path' | 'peer'>): CaveatContext {
  return { endpoint, method: request.method, path: request.path, ip: request.peer.address }
}
