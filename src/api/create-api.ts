import { sha256 } from '../crypto/hash.ts'
import type { Endpoint } from '../protocol/http.ts'
import type { ApiContext } from './context.ts'
import { openApiDocument, openApiPath } from './openapi.ts'
import { operations } from './operations.ts'
import { createPipeline } from './pipeline.ts'
import type { ApiRoute } from './route.ts'

/** The REST API: one route for each line of the table, and the document that describes them. */
export function createApi(context: ApiContext): readonly ApiRoute[] {
  return [
    ...operations.map((operation): ApiRoute => ({
      method: operation.method,
      path: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      handle: createPipeline(context, operation),
      body: operation.body === undefined ? 'none' : 'json',
      bodyLimit: operation.bodyLimit,
      public: false,
    })),
    {
      method: 'GET',
      path: openApiPath,
      handle: documentEndpoint(context.issuer),
      body: 'none',
      bodyLimit: 0,
      public: true,
    },
  ]
}

/** The same bytes for everybody, made once: nothing of a request can reach them (G09). */
function documentEndpoint(issuer: string): Endpoint {
  const body = JSON.stringify(openApiDocument(operations, issuer))
  const etag = `"${sha256(body).slice(0, 22)}"`
  const headers = [
    ['content-type', 'application/json'],
    ['cache-control', 'public, max-age=300'],
    ['etag', etag],
  ] as const
  return (request) =>
    request.headers['if-none-match'] === etag ? { status: 304, headers, body: null } : { status: 200, headers, body }
}
