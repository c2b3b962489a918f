import type { AddressInfo } from 'node:net'
import { listenOn } from './listen-on.ts'
import { createMetricsText } from './metrics-text.ts'
import type { Metrics } from './metrics.ts'
import { createServer } from './node-http.ts'

export type MetricsListener = { readonly address: AddressInfo; readonly close: () => Promise<void> }

/**
 * `/metrics` on a listener of its own, always loopback: what the numbers tell is for the operator. A scraper elsewhere comes
 * through something of the operator's that asks who it is. The Host must be loopback too, or a page in the operator's own
 * browser could read it by DNS rebinding.
 */
export async function listenForMetrics(
  metrics: Pick<Metrics, 'snapshot'>,
  port: number,
  /** Brings the numbers up to date before they are printed. */
  gather: () => Promise<void> = async () => {},
): Promise<MetricsListener> {
  const print = await createMetricsText(metrics)
  const text = () => gather().then(print)
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 10_000, httpValidation: 'strict' },
    (request, response) => {
      const headers = ['x-content-type-options', 'nosniff', 'cache-control', 'no-store']
      if (!/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/.test(request.headers.host ?? '')) {
        response.writeHead(421, headers).end()
      } else if (request.url !== '/metrics') {
        response.writeHead(404, headers).end()
      } else if (request.method !== 'GET') {
        response.writeHead(405, [...headers, 'allow', 'GET']).end()
      } else {
        text().then(
          (body) =>
            response.writeHead(200, [...headers, 'content-type', 'text/plain; version=0.0.4; charset=utf-8']).end(body),
          () => response.writeHead(500, headers).end(),
        )
      }
    },
  )
  server.maxConnections = 32
  const address = await listenOn(server, { host: '127.0.0.1', port })
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
