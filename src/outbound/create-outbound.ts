import type { IncomingMessage } from 'node:http'
import { openRequest, type OutboundRequest, type Way } from './open-request.ts'
import { OutboundFailed } from './outbound-failed.ts'
import { resolve, type Resolve } from './resolve.ts'

/** A whole answer. `body` is at most as long as was allowed; header names are lower case, repeated ones joined by ", ". */
export type OutboundAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** An answer whose body is still to come. Whoever opened it reads it to the end or destroys it. */
export type OpenAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: IncomingMessage
}

export type Outbound = {
  /** The whole answer within five seconds and 64 KiB. A redirect is a failure (F16). Throws OutboundFailed. */
  readonly fetch: (request: Omit<OutboundRequest, 'signal'>) => Promise<OutboundAnswer>
  /** The head of an answer; `signal` bounds everything, the body included. A redirect is an answer like others, and isn't followed. */
  readonly open: (request: OutboundRequest) => Promise<OpenAnswer>
}

export type OutboundOptions = {
  readonly resolve?: Resolve
  /** Certificate authorities in place of the usual ones, PEM. */
  readonly ca?: string
  /** Our address, for whoever is asked and wants to know by whom: some refuse requests that don't say it (GitHub, Wikimedia). */
  readonly contact?: string
  readonly deadlineMillis?: number
  readonly longestBody?: number
}

const deadline = 5_000
const longest = 64 * 1024

/** The guarded client: what leaves this house towards an address that somebody else can name leaves through it. */
export function createOutbound(options: OutboundOptions = {}): Outbound {
  const identity = options.contact === undefined ? 'gatehouse' : `gatehouse (+${options.contact})`
  const way: Way = { resolve: options.resolve ?? resolve, ca: options.ca, identity }
  const { deadlineMillis = deadline, longestBody = longest } = options
  return {
    open: async (request) => {
      const message = await openRequest(way, request)
      return { status: message.statusCode ?? 0, headers: headersOf(message), body: message }
    },
    fetch: async (request) => {
      const { host } = URL.canParse(request.url) ? new URL(request.url) : { host: 'nowhere' }
      const signal = AbortSignal.timeout(deadlineMillis)
      const message = await openRequest(way, { ...request, signal })
      try {
        const status = message.statusCode ?? 0
        if (status >= 300 && status < 400 && status !== 304) throw new OutboundFailed('redirect', host)
        return {
          status,
          headers: headersOf(message),
          body: await wholeBody(message, { host, most: longestBody, signal }),
        }
      } finally {
        message.destroy()
      }
    },
  }
}

async function wholeBody(
  message: IncomingMessage,
  { host, most, signal }: { readonly host: string; readonly most: number; readonly signal: AbortSignal },
): Promise<Buffer> {
  // F13: nothing was asked to be packed, and nothing is unpacked.
  if ((message.headers['content-encoding'] ?? 'identity') !== 'identity') throw new OutboundFailed('encoding', host)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > most) throw new OutboundFailed('too_large', host)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof OutboundFailed) throw error
    throw new OutboundFailed(signal.aborted ? 'timeout' : 'broken', host)
  }
  if (!message.complete) throw new OutboundFailed('broken', host)
  return Buffer.concat(chunks)
}

function headersOf(message: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(message.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    ),
  )
}
