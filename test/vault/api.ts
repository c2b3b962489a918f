import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Called = {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export type Api = {
  readonly url: string
  readonly called: Called[]
  /** What the next calls get; without one, what was asked is told. */
  answer: ((called: Called, response: ServerResponse, request: IncomingMessage) => void) | undefined
  readonly close: () => Promise<void>
}

/** An API that does whatever a test wants of it, byte by byte. */
export async function startApi(): Promise<Api> {
  const called: Called[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('error', () => undefined)
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request
      const one: Called = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString('latin1') }
      called.push(one)
      if (api.answer !== undefined) api.answer(one, response, request)
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ method, url }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const api: Api = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    called,
    answer: undefined,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return api
}
