import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connections } from './connections.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

const answers: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

const fixedHeaders = { 'content-length': 0, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }

/**
 * What isn't HTTP/1, or came too slowly: an answer in fixed words and the end of the connection (J08, J09). Nothing is said where
 * the last word was said already or an answer is half written, because there it would be read as something else.
 */
export function answerBrokenRequest(
  error: Error & { readonly code?: string },
  socket: Socket,
  context: { readonly connections: Connections; readonly log: Log; readonly metrics: Metrics },
): void {
  if (socket.destroyed || socket.writableEnded) return
  const { code = '' } = error
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    socket.destroy()
    return
  }
  context.metrics.count('malformed_requests')
  const link = context.connections.linkOf(socket)
  context.log.write({
    event: 'request.malformed',
    reason: code === '' ? 'unknown' : code,
    address: link.ends.direct.socketAddress,
  })
  const status = answers[code] ?? '400 Bad Request'
  if (link.owed !== undefined) {
    answerInTurn(link.owed, { socket, status })
    return
  }
  if (link.ended || socket.writableLength > 0) {
    // After what is still on its way out.
    socket.destroySoon()
    return
  }
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n`,
    () => socket.destroy(),
  )
}

/**
 * An answer that is still being made must not be overtaken (RFC 9112 §9.3.2): what is broken behind it is told by the end of the
 * connection. A request that has begun and breaks off has an answer of its own, which Node keeps for its turn.
 */
function answerInTurn(
  owed: ServerResponse,
  { socket, status }: { readonly socket: Socket; readonly status: string },
): void {
  if (!owed.headersSent) {
    owed.shouldKeepAlive = false
    if (!owed.req.complete) owed.writeHead(Number(status.slice(0, 3)), fixedHeaders).end()
  } else if (owed.socket !== null) {
    // Half written.
    socket.destroySoon()
  }
}

/**
 * CONNECT: no tunnel here (J07). Node takes all its listeners off such a connection, so whatever becomes of it is ours to mind: an
 * error that nobody hears would end the process, and nobody would close what its client keeps open.
 */
export function refuseTunnel(socket: Duplex): void {
  const cut = (): void => void socket.destroy()
  socket.on('error', cut).on('timeout', cut)
  socket.end(
    'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n',
    cut,
  )
}
