import type { IncomingCall } from './check-request.ts'
import type { Caller } from './caller.ts'

/** As much of Node's request as we look at; Express and Fastify both have it. */
export type NodeRequest = {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly rawHeaders: readonly string[]
  readonly socket: { readonly remoteAddress?: string | undefined }
}

const callers = new WeakMap<object, Caller>()

/** Who a request came from, after its guard let it in; undefined on a public call of an optional guard. */
export function callerOf(request: object): Caller | undefined {
  return callers.get(request)
}

export function rememberCaller(request: object, caller: Caller | undefined): void {
  if (caller !== undefined) callers.set(request, caller)
}

/** A request of Node as a call. `body` gives its bytes as they came. */
export function nodeCall(
  request: NodeRequest,
  about: {
    readonly target?: string | undefined
    readonly ip?: string | undefined
    readonly body: IncomingCall['body']
  },
): IncomingCall {
  return {
    method: request.method ?? 'GET',
    target: about.target ?? request.url ?? '/',
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    ),
    repeated: repeatedIn(request.rawHeaders),
    ip: about.ip ?? request.socket.remoteAddress,
    body: about.body,
  }
}

/** Node keeps the first of two `Authorization` headers and says nothing of the second. */
function repeatedIn(rawHeaders: readonly string[]): ReadonlySet<string> {
  const [seen, repeated] = [new Set<string>(), new Set<string>()]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    if (seen.has(name)) repeated.add(name)
    seen.add(name)
  }
  return repeated
}
