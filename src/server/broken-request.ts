import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connections, Link } from './connections.ts'
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
  const link = context.connections.linkOf(socket)
  // Whatever follows is broken too.
  if (link.broken) return
  link.broken = true
  context.metrics.count('malformed_requests')
  context.log.write({
    event: 'request.malformed',
    reason: code === '' ? 'unknown' : code,
    address: link.ends.direct.socketAddress,
  })
  const status = answers[code] ?? '400 Bad Request'
  const latest = link.owed.at(-1)
  if (latest !== undefined && !latest.writableFinished) {
    endAfter(latest, { socket, status })
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
function endAfter(
  latest: ServerResponse,
  { socket, status }: { readonly socket: Socket; readonly status: string },
): void {
  if (!latest.headersSent) {
    latest.shouldKeepAlive = false
    if (!latest.req.complete) latest.writeHead(Number(status.slice(0, 3)), fixedHeaders).end()
  } else if (latest.socket === null) {
    latest.once('finish', () => socket.destroySoon())
  } else {
    socket.destroySoon()
  }
}

/**
 * CONNECT: no tunnel here (J07). Node takes all its listeners off such a connection, so whatever becomes of it is ours to mind: an
 * error that nobody hears would end the process, and nobody would close what its client keeps open. Behind answers that are still being
 * made nothing is said: the connection ends, and those who make them hear of it.
 */
export function refuseTunnel(socket: Duplex, { owed }: Pick<Link, 'owed'>): void {
  const cut = (): void => void socket.destroy()
  socket.on('error', cut).on('timeout', cut)
  const unsaid = owed.filter((response) => !response.writableFinished)
  if (unsaid.length > 0) {
    cut()
    for (const response of unsaid) if (response.socket === null) response.destroy().emit('close')
    return
  }
  socket.end(
    'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\nContent-Length: 0\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n',
    cut,
  )
}
