import type { IncomingCall, Verdict, Wants } from './check-request.ts'
import { nodeCall, rememberCaller, type NodeRequest } from './node-call.ts'

/** As much of Express as we touch. */
type ExpressRequest = NodeRequest & { readonly originalUrl?: string; readonly ip?: string | undefined }
type ExpressResponse = {
  statusCode: number
  readonly setHeader: (name: string, value: string) => unknown
  readonly end: (body: string) => unknown
}

export type ExpressGuard = (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void) => void

const rawBodies = new WeakMap<object, Uint8Array>()

/**
 * For `express.json({ verify: keepRawBody })` and every other body parser before a guard of signed requests: what is signed are
 * the bytes, which a parser throws away.
 */
export function keepRawBody(request: object, _response: unknown, bytes: Uint8Array): void {
  rawBodies.set(request, bytes)
}

/** A middleware that lets in whom `check` lets in; `callerOf(request)` says who it was. */
export function expressGuard(
  check: (call: IncomingCall, wants: Wants) => Promise<Verdict>,
  wants: Wants,
): ExpressGuard {
  return (request, response, next) => {
    void pass()

    async function pass(): Promise<void> {
      const call = nodeCall(request, { target: request.originalUrl, ip: request.ip, body: () => rawBodyOf(request) })
      let verdict: Verdict
      try {
        verdict = await check(call, wants)
      } catch (error) {
        next(error)
        return
      }
      if (!('refused' in verdict)) {
        rememberCaller(request, verdict.caller)
        next()
        return
      }
      response.statusCode = verdict.refused.status
      for (const [name, value] of verdict.refused.headers) response.setHeader(name, value)
      response.end(verdict.refused.body)
    }
  }
}

function rawBodyOf(request: ExpressRequest): Uint8Array {
  const kept = rawBodies.get(request)
  if (kept !== undefined) return kept
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  if (length === '0' && coding === undefined) return new Uint8Array()
  throw new Error(
    'a signed request has a body that was not kept: put express.json({ verify: keepRawBody }) before its guard',
  )
}
