import type { IncomingMessage } from 'node:http'
import type { Agent as HttpsAgent, request as HttpsRequest } from 'node:https'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { OutboundFailed, type OutboundFailure } from './outbound-failed.ts'
import { isPublicAddress } from './public-address.ts'
import type { Resolve } from './resolve.ts'

// An `import` of it would bring Node's other HTTP client along: 14 MB that nobody here uses (src/server/node-http.ts).
const { Agent: HttpAgent, request: requestHttp, validateHeaderValue } = process.getBuiltinModule('node:http')

export type OutboundRequest = {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** http and private addresses too: for what the operator's own file names, never for what came through an API. */
  readonly allowInsecure?: boolean
  /** Ends the request wherever it is. */
  readonly signal: AbortSignal
}

export type Way = { readonly resolve: Resolve; readonly ca?: string | undefined; readonly identity: string }

const mostSocketsPerHost = 64
const longestHeaders = 16 * 1024

// Agents of our own: the global one may be sent through a proxy by the environment (F15). No socket is used twice, so each is judged.
const agentOptions = { keepAlive: false, maxSockets: mostSocketsPerHost }
const httpAgent = new HttpAgent(agentOptions)

/** Made by the first who asks: TLS takes megabytes, and a server without providers never needs them. */
let secure: { readonly request: typeof HttpsRequest; readonly agent: HttpsAgent } | undefined

function overTls(): NonNullable<typeof secure> {
  const { Agent, request } = process.getBuiltinModule('node:https')
  return (secure ??= { request, agent: new Agent(agentOptions) })
}

/** Sends a request and resolves with the answer's head, its body still to be read. Throws OutboundFailed, or what a streamed body threw. */
export async function openRequest(way: Way, asked: OutboundRequest): Promise<IncomingMessage> {
  const url = readUrl(asked.url)
  const insecure = asked.allowInsecure === true
  const fail = (why: OutboundFailure): OutboundFailed => new OutboundFailed(why, url.host)
  if (url.protocol !== 'https:' && !(insecure && url.protocol === 'http:')) throw fail('scheme')
  if (!Object.entries(asked.headers ?? {}).every(canBeSent)) throw fail('headers')
  if (asked.signal.aborted) throw fail('timeout')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? await addressesOf(way, host, { signal: asked.signal, fail }) : [host]
  // F06, F07: one private address among public ones is a trap, not a choice.
  if (!insecure && !addresses.every(isPublicAddress)) throw fail('address')

  return new Promise((resolve, reject) => {
    const options = {
      method: asked.method ?? 'GET',
      headers: { 'user-agent': way.identity, 'accept-encoding': 'identity', ...asked.headers },
      lookup: pinned(addresses),
      maxHeaderSize: longestHeaders,
      signal: asked.signal,
    }
    const request =
      url.protocol === 'https:'
        ? overTls().request(url, {
            ...options,
            agent: overTls().agent,
            ...(way.ca === undefined ? {} : { ca: way.ca }),
          })
        : requestHttp(url, { ...options, agent: httpAgent })
    request.once('response', resolve)
    let ofBody: { readonly error: unknown } | undefined
    request.once('error', (error) => {
      if (ofBody !== undefined) reject(ofBody.error)
      else reject(error instanceof OutboundFailed ? error : fail(asked.signal.aborted ? 'timeout' : failureOf(error)))
    })
    // What was resolved was judged; what is connected is what counts.
    request.once('socket', (socket: Socket) => {
      socket.once('connect', () => {
        if (!insecure && !isPublicAddress(socket.remoteAddress ?? '')) request.destroy(fail('address'))
      })
    })
    const { body } = asked
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) request.end(body)
    // An answer may come before the end of what is sent; the request's own `error` says what went wrong before that.
    else
      pipeline(
        watched(body, (error) => (ofBody = { error })),
        request,
      ).catch(() => undefined)
  })
}

/** Node throws what nobody foresees where a header holds a line break, or a letter beyond Latin-1. */
function canBeSent([name, value]: readonly [string, string]): boolean {
  try {
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new OutboundFailed('url', 'an address that is no URL')
  if (url.username !== '' || url.password !== '') throw new OutboundFailed('url', url.host)
  return url
}

async function addressesOf(
  way: Way,
  host: string,
  { signal, fail }: { readonly signal: AbortSignal; readonly fail: (why: OutboundFailure) => OutboundFailed },
): Promise<readonly string[]> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(fail('timeout')), { once: true })
  })
  const found = await Promise.race([way.resolve(host).catch(() => []), aborted])
  if (found.length === 0) throw fail('unresolved')
  return found
}

/** The addresses that were judged, and no second question to the resolver (F06). */
function pinned(addresses: readonly string[]): LookupFunction {
  return (_host, { all }, answer) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }))
    const [first] = found
    if (all === true) answer(null, found)
    else answer(null, first?.address ?? '', first?.family)
  }
}

function failureOf(error: Error): OutboundFailure {
  const code = 'code' in error ? String(error.code) : ''
  if (/CERT|SSL|TLS|UNABLE_TO_VERIFY|SELF_SIGNED/.test(code)) return 'certificate'
  if (code.startsWith('HPE_')) return code === 'HPE_HEADER_OVERFLOW' ? 'too_large' : 'broken'
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'broken' : 'unreachable'
}

/** Tells a body that breaks off from a connection that does. */
async function* watched(
  body: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body
  } catch (error) {
    onError(error)
    throw error
  }
}
