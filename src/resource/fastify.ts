import { Readable } from 'node:stream'
import type { IncomingCall, Verdict, Wants } from './check-request.ts'
import { nodeCall, rememberCaller, type NodeRequest } from './node-call.ts'

/** As much of Fastify as we touch. */
type FastifyRequest = {
  readonly raw: NodeRequest
  readonly headers: NodeRequest['headers']
  readonly originalUrl: string
  readonly ip: string
}
type FastifyReply = {
  readonly code: (status: number) => FastifyReply
  readonly headers: (headers: Readonly<Record<string, string>>) => FastifyReply
  readonly send: (body: string) => FastifyReply
}

/** Hooks of a route: `app.get('/notes', { ...api.fastify({ scope: 'notes:read' }) }, handler)`. */
export type FastifyGuard = {
  readonly preParsing: (request: FastifyRequest, reply: FastifyReply, payload: Readable) => Promise<Readable>
  /** With a reply that was sent, where it is refused. */
  readonly preHandler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
}

/** Most of a signed body that is kept to compute its digest. */
const longestBody = 1_048_576

const rawBodies = new WeakMap<object, Uint8Array>()

/** Hooks that let in whom `check` lets in; `callerOf(request)` says who it was. */
export function fastifyGuard(
  check: (call: IncomingCall, wants: Wants) => Promise<Verdict>,
  wants: Wants,
): FastifyGuard {
  return {
    // What is signed are the bytes, which the parser throws away.
    preParsing: async (request, _reply, payload) => {
      if (request.headers['signature-input'] === undefined) return payload
      const chunks: Buffer[] = []
      let length = 0
      for await (const chunk of payload as AsyncIterable<Buffer>) {
        length += chunk.length
        if (length > longestBody) throw Object.assign(new Error('the body is too long'), { statusCode: 413 })
        chunks.push(chunk)
      }
      const body = Buffer.concat(chunks)
      rawBodies.set(request, body)
      // Fastify compares this with Content-Length.
      return Object.assign(Readable.from([body]), { receivedEncodedLength: length })
    },
    preHandler: async (request, reply) => {
      const { raw, ip } = request
      const body = () => rawBodies.get(request) ?? new Uint8Array()
      const verdict = await check(nodeCall(raw, { target: request.originalUrl, ip, body }), wants)
      if (!('refused' in verdict)) {
        rememberCaller(request, verdict.caller)
        return undefined
      }
      const { status, headers, body: text } = verdict.refused
      return reply.code(status).headers(Object.fromEntries(headers)).send(text)
    },
  }
}
