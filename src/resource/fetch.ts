import type { Caller } from './caller.ts'
import type { IncomingCall, Verdict, Wants } from './check-request.ts'

type Answering<Rest extends readonly unknown[]> = (
  request: Request,
  caller: Caller | undefined,
  ...rest: Rest
) => Promise<Response> | Response

/** A `Request` doesn't say where it came from: whoever serves it knows. Without it a macaroon's caveat `ip =` is never met. */
export type FetchWants<Rest extends readonly unknown[]> = Wants & {
  readonly addressOf?: (request: Request, ...rest: Rest) => string | undefined
}

/** Wraps a handler: it is called with who calls, after the checks. */
export type FetchGuard = <Rest extends readonly unknown[]>(
  wants: FetchWants<Rest>,
  handler: Answering<Rest>,
) => (request: Request, ...rest: Rest) => Promise<Response>

/** For every server whose handlers take a `Request` and give a `Response`. */
export function fetchGuard(check: (call: IncomingCall, wants: Wants) => Promise<Verdict>): FetchGuard {
  return (wants, handler) =>
    async (request, ...rest) => {
      const { pathname, search } = new URL(request.url)
      const verdict = await check(
        {
          method: request.method,
          target: `${pathname}${search}`,
          // What came twice is joined by commas here, which no token and no signature survives.
          headers: Object.fromEntries(request.headers),
          ip: wants.addressOf?.(request, ...rest),
          body: async () => new Uint8Array(await request.clone().arrayBuffer()),
        },
        wants,
      )
      if (!('refused' in verdict)) return handler(request, verdict.caller, ...rest)
      const { status, headers, body } = verdict.refused
      return new Response(body, { status, headers: headers.map(([name, value]) => [name, value]) })
    }
}
