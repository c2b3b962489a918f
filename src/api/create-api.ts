import { sha256 } from '../crypto/hash.ts'
import type { Endpoint, HeaderLine } from '../protocol/http.ts'
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

/** The same bytes for everybody: nothing of a request can reach them (G09). Made when first asked for: a start need not wait for it. */
function documentEndpoint(issuer: string): Endpoint {
  let made: ReturnType<typeof makeDocument> | undefined
  return (request) => {
    made ??= makeDocument(issuer)
    const { body, etag, headers } = made
    return request.headers['if-none-match'] === etag
      ? { status: 304, headers, body: null }
      : { status: 200, headers, body }
  }
}

function makeDocument(issuer: string): {
  readonly body: string
  readonly etag: string
  readonly headers: readonly HeaderLine[]
} {
  const body = JSON.stringify(openApiDocument(operations, issuer))
  const etag = `"${sha256(body).slice(0, 22)}"`
  return {
    body,
    etag,
    headers: [
      ['content-type', 'application/json'],
      ['cache-control', 'public, max-age=300'],
      ['etag', etag],
    ],
  }
}
