import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { HttpResponse } from '../protocol/http.ts'

/**
 * Writes an answer in one piece: a flat list of headers and the body, which Node sends as one packet. `fixed` goes on every
 * answer of the route. Node leaves the body out where the request was HEAD. Throws if a header holds what a header can't.
 */
export function writeAnswer(
  response: ServerResponse,
  answer: HttpResponse,
  options: { readonly fixed: readonly string[]; readonly close: boolean },
): void {
  const { status, body } = answer
  const flat = flatHeaders(answer, options)
  if (status === 204 || status === 304) {
    response.writeHead(status, flat)
    response.end()
  } else if (typeof body === 'string') {
    const length = Buffer.byteLength(body)
    flat.push('content-length', String(length))
    response.writeHead(status, flat)
    // As many bytes as characters: ASCII, which costs less to write as latin1.
    response.end(body, length === body.length ? 'latin1' : 'utf8')
  } else {
    flat.push('content-length', String(body?.byteLength ?? 0))
    response.writeHead(status, flat)
    if (body === null) response.end()
    else response.end(body)
  }
}

/**
 * Writes the head of an answer and then its stream, as fast as it is read. Resolves when all is said; an answer that fails on the
 * way, or that nobody reads any more, loses its connection. Throws, with nothing sent, if a header holds what a header can't.
 */
export function writeStream(
  response: ServerResponse,
  answer: HttpResponse & { readonly stream: AsyncIterable<Uint8Array> },
  options: { readonly fixed: readonly string[]; readonly close: boolean },
): Promise<void> {
  response.writeHead(answer.status, flatHeaders(answer, options))
  response.flushHeaders()
  return pipeline(answer.stream, response).catch(() => void response.destroy())
}

function flatHeaders(
  { headers }: HttpResponse,
  { fixed, close }: { readonly fixed: readonly string[]; readonly close: boolean },
): string[] {
  const flat = fixed.slice()
  for (const [name, value] of headers) {
    // Pages bring it along, and it stands in `fixed` already.
    if (name !== 'x-content-type-options') flat.push(name, value)
  }
  if (close) flat.push('connection', 'close')
  return flat
}
