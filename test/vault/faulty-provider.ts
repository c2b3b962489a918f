import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Mode = 'well' | 'hang' | '500' | '429' | 'half' | 'drip'

/** A token endpoint that rotates strictly, and that fails as it is told. */
export type FaultyProvider = {
  readonly url: string
  mode: Mode
  readonly asked: () => number
  /** Most requests with one and the same refresh token at one time. */
  readonly mostAtOnce: () => number
  /** Whether no newer one was made of it. */
  readonly isNewest: (refreshToken: string) => boolean
  readonly close: () => Promise<void>
}

export async function startFaultyProvider(): Promise<FaultyProvider> {
  const used = new Set<string>()
  const underWay = new Map<string, number>()
  let asked = 0
  let made = 0
  let most = 0

  function answer(refreshToken: string, response: ServerResponse): void {
    const send = (status: number, body: string, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(body)
    }
    switch (provider.mode) {
      case 'hang':
        return
      case '500':
        return send(500, '{"error":"Server Error"}')
      case '429':
        return send(429, '{"error":"slow_down"}', { 'retry-after': '17' })
      case 'half':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '200' })
        response.write('{"access_token":"1.ha')
        setTimeout(() => response.destroy(), 5)
        return
      case 'drip': {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '200' })
        const timer = setInterval(() => response.write('{'), 500)
        response.on('close', () => clearInterval(timer))
        return
      }
      case 'well': {
        if (used.has(refreshToken)) return send(400, '{"error":"invalid_grant"}')
        used.add(refreshToken)
        made += 1
        return send(
          200,
          JSON.stringify({
            access_token: `1.a${made}`,
            token_type: 'Bearer',
            expires_in: 3600,
            refresh_token: `1.r${made}`,
          }),
        )
      }
    }
  }

  const server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      asked += 1
      const refreshToken = new URLSearchParams(body).get('refresh_token') ?? ''
      const now = (underWay.get(refreshToken) ?? 0) + 1
      underWay.set(refreshToken, now)
      most = Math.max(most, now)
      response.on('close', () => underWay.set(refreshToken, (underWay.get(refreshToken) ?? 1) - 1))
      answer(refreshToken, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const provider: FaultyProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode: 'well',
    asked: () => asked,
    mostAtOnce: () => most,
    isNewest: (refreshToken) => !used.has(refreshToken),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return provider
}
