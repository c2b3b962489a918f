import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { bodyLimitOf, type Route } from './route.ts'
import type { ShellErrorName } from './shell-error.ts'

const mediaTypes = { form: 'application/x-www-form-urlencoded', json: 'application/json' } as const

/** How much of a body that nobody wants is thrown away so that the answer can be read, before the connection is cut. */
const mostDiscarded = 8_388_608

/** Whether the request carries a body at all (RFC 9112 §6.3). */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** What is wrong with the body, judged by its headers alone (J04, J06). */
export function refuseBody(route: Route, headers: IncomingHttpHeaders): ShellErrorName | undefined {
  if (route.kind === 'none' || (route.kind === 'stream' && route.method === 'GET')) return 'unwanted_body'
  // Nothing is ever inflated: a compressed body may hide any size.
  if (headers['content-encoding'] !== undefined) return 'content_type'
  if (route.kind !== 'stream' && !isMediaType(headers['content-type'], mediaTypes[route.kind])) return 'content_type'
  return Number(headers['content-length'] ?? 0) > bodyLimitOf(route) ? 'too_large' : undefined
}

/** RFC 9110 §8.3: names are case-insensitive. The only parameter that is understood is `charset=utf-8`. */
function isMediaType(given: string | undefined, wanted: string): boolean {
  if (given === wanted) return true
  if (given === undefined) return false
  const [type = '', parameter, ...more] = given.split(';', 3)
  if (type.trim().toLowerCase() !== wanted || more.length > 0) return false
  return parameter === undefined || /^[ \t]*charset="?utf-8"?[ \t]*$/i.test(parameter)
}

/** Reads a body of at most `limit` bytes. Exactly one of the two is called, or none if the sender goes away. */
export function readBody(
  request: IncomingMessage,
  limit: number,
  then: { readonly read: (body: string) => void; readonly refused: (name: ShellErrorName) => void },
): void {
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let size = 0

  function onData(chunk: Buffer): void {
    size += chunk.length
    if (size > limit) {
      request.off('data', onData)
      request.off('end', onEnd)
      then.refused('too_large')
    } else if (first === undefined) first = chunk
    else (rest ??= [first]).push(chunk)
  }

  function onEnd(): void {
    const body = rest === undefined ? first : Buffer.concat(rest, size)
    if (body === undefined) then.read('')
    // J03: overlong forms, lone surrogates and stray bytes would all read as U+FFFD.
    else if (!isUtf8(body)) then.refused('encoding')
    else then.read(body.toString('utf8'))
  }

  request.on('data', onData)
  request.on('end', onEnd)
}

/**
 * Throws away what is left of a body after its answer was written. Cutting at once would reset the connection, and take the
 * answer from a client that is still sending; reading on for ever is what it may want us to do.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.complete) return
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > mostDiscarded) request.socket.destroy()
  })
}
