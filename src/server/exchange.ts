import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Random } from '../crypto/random.ts'
import type { HttpRequest, HttpResponse, Passage } from '../protocol/http.ts'
import type { Clock } from '../protocol/time.ts'
import { writeAnswer, writeStream } from './answer.ts'
import { discardBody, hasBody, readBody, refuseBody } from './body.ts'
import type { Connections, Link } from './connections.ts'
import { isOpaqueOrigin } from './cors.ts'
import type { FailureLog } from './failure-log.ts'
import type { Passed } from './gate.ts'
import type { Log } from './log.ts'
import type { Metrics, RouteCounts } from './metrics.ts'
import type { Overload } from './overload.ts'
import type { Peers } from './peer.ts'
import type { ErrorStyle, Priority, Route } from './route.ts'
import type { ErrorAnswers, Occasion, ShellErrorName } from './shell-error.ts'

/** A route with everything worked out that doesn't change from request to request. */
export type ServedRoute = {
  readonly route: Route
  readonly style: ErrorStyle
  readonly bodyLimit: number
  readonly priority: Priority
  /** Headers of every answer, flat. */
  readonly fixed: readonly string[]
  /** The same for a caller from an opaque origin: without CORS. */
  readonly fixedOpaque: readonly string[]
  readonly counts: RouteCounts
}

/** A request that passed the gate. */
export type Arrival = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly link: Link
  readonly passed: Passed
  /** On the monotonic clock. */
  readonly startedAt: number
}

/** A request whose route is known; of what isn't a route, what an answer needs. */
export type Unserved = Arrival & { readonly served: Omit<ServedRoute, 'priority' | 'bodyLimit'> }
export type Exchange = Arrival & {
  readonly served: ServedRoute
  readonly params: Readonly<Record<string, string>>
}

export type ExchangeContext = {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: Pick<Random, 'text'>
  readonly log: Log
  readonly failures: FailureLog
  readonly metrics: Metrics
  readonly overload: Overload
  readonly peers: Peers
  readonly connections: Connections
  readonly errors: ErrorAnswers
  readonly state: ShellState
  /** For what may wait for its turn. */
  readonly turns: (work: () => void) => void
  /** For what goes out together at the end of this turn. */
  readonly turnEnd: (work: () => void) => void
}

/** What changes while the shell lives. */
export type ShellState = {
  /** From now on every answer is the last of its connection. */
  stopping: boolean
  /** Endpoints at work, and those that wait for their turn. */
  running: number
  /** Where it listens, or listened. */
  port: number | undefined
}

/** Errors that say "not now" by their name; everything else is a bug or a break. */
const unavailable: ReadonlySet<string> = new Set([
  'StoreUnavailable',
  'StoreContended',
  'PasswordPoolBusy',
  'AuditSinkDown',
])

/** From a request that has a route to its answer on the wire. */
export function serve(context: ExchangeContext, exchange: Exchange): void {
  const { served, request, response } = exchange
  const { headers } = request
  if (context.overload.sheds(served.priority)) {
    context.metrics.count('shed_requests')
    refuse(context, exchange, { name: 'unavailable', retryAfterSeconds: context.overload.retryAfterSeconds() })
  } else if (served.route.kind === 'stream') {
    pass(context, exchange)
  } else if (!hasBody(headers)) {
    run(context, exchange, '')
  } else {
    const wrong = refuseBody(served.route, headers)
    if (wrong !== undefined) {
      refuse(context, exchange, { name: wrong })
      return
    }
    if (headers.expect !== undefined) response.writeContinue()
    readBody(request, served.bodyLimit, {
      read: (body) =>
        served.priority === 'sign-in' ? runInTurn(context, exchange, body) : run(context, exchange, body),
      refused: (name) => refuse(context, exchange, { name }),
    })
  }
}

/** Whoever waits for his turn counts as at work: a stop waits for him too. */
function runInTurn(context: ExchangeContext, exchange: Exchange, body: string): void {
  context.state.running += 1
  context.turns(() => {
    context.state.running -= 1
    run(context, exchange, body)
  })
}

/** Hands the body to the endpoint as it comes. */
function pass(context: ExchangeContext, exchange: Exchange): void {
  const { served, request, response } = exchange
  const { headers } = request
  const wrong = hasBody(headers) ? refuseBody(served.route, headers) : undefined
  if (wrong !== undefined) {
    refuse(context, exchange, { name: wrong })
    return
  }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  if (!hasBody(headers)) {
    run(context, exchange, { gone: gone.signal })
    return
  }
  if (headers.expect !== undefined) response.writeContinue()
  // Whoever stops reading must still be able to answer: the rest is thrown away once he has.
  const upload = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  run(context, exchange, { upload, gone: gone.signal })
}

function run(context: ExchangeContext, exchange: Exchange, body: string | Passage): void {
  const { served, request, response, link, passed, params } = exchange
  // It came too slowly, and was told so.
  if (response.headersSent) return
  const { headers, method = '' } = request
  const asked: HttpRequest = {
    method: method === 'HEAD' && typeof body === 'string' ? 'GET' : method,
    path: passed.path,
    query: passed.query,
    // The one header that Node gives as a list, Set-Cookie, was taken out at the gate.
    headers: headers as Readonly<Record<string, string | undefined>>,
    repeated: passed.scan.repeated,
    ...(typeof body === 'string' ? { body } : { body: '', passage: body }),
    params,
    peer: context.peers.of(link.ends, headers, passed.scan.forwarded),
  }
  context.state.running += 1
  let answer: Promise<HttpResponse> | HttpResponse
  try {
    answer = served.route.endpoint(asked)
  } catch (error) {
    fail(context, exchange, error)
    return
  }
  const leave = (settled: HttpResponse): void => context.turnEnd(() => finish(context, exchange, settled))
  if (answer instanceof Promise) answer.then(leave, (error: unknown) => fail(context, exchange, error))
  else leave(answer)
}

function finish(context: ExchangeContext, exchange: Exchange, answer: HttpResponse): void {
  if (exchange.served.route.kind === 'stream') discardRest(context, exchange)
  const said = send(context, exchange, answer)
  if (said === undefined) context.state.running -= 1
  else void said.finally(() => (context.state.running -= 1))
}

/** Says no in the shell's own words, without asking the endpoint. */
export function refuse(
  context: ExchangeContext,
  exchange: Unserved,
  { name, ...occasion }: Occasion & { readonly name: ShellErrorName },
): void {
  const { served, request } = exchange
  const headers = request.headers as HttpRequest['headers']
  const answer = context.errors(name, { style: served.style, headers, occasion })
  discardRest(context, exchange)
  void send(context, exchange, answer)
}

/** What is left of a body that was answered before its end. */
function discardRest({ state }: ExchangeContext, { request, response, link }: Arrival): void {
  if (!hasBody(request.headers) || request.complete) return
  link.ended = true
  // With the rest of the body read, the next request begins where one may.
  request.once('end', () => (link.ended = state.stopping || !response.shouldKeepAlive))
  discardBody(request)
}

/** G20: whatever is thrown is a 5xx in fixed words; what it was stands in the log, under the same reference. */
function fail(context: ExchangeContext, exchange: Exchange, error: unknown): void {
  context.state.running -= 1
  const reference = context.random.text(9)
  const passing = error instanceof Error && unavailable.has(error.name)
  context.failures.record(passing ? 'request.unavailable' : 'request.failed', {
    reference,
    route: `${exchange.served.route.method} ${exchange.served.route.path}`,
    error,
  })
  if (!passing) refuse(context, exchange, { name: 'unexpected', reference })
  else
    refuse(context, exchange, {
      name: error.name === 'AuditSinkDown' ? 'audit_unavailable' : 'unavailable',
      reference,
      retryAfterSeconds: context.overload.retryAfterSeconds(),
    })
}

function send(context: ExchangeContext, exchange: Unserved, answer: HttpResponse): Promise<void> | undefined {
  const { served, request, response, link, passed, startedAt } = exchange
  if (response.destroyed || response.headersSent) {
    context.metrics.count('aborted_requests')
    return undefined
  }
  let streamed: Promise<void> | undefined
  const fixed =
    served.fixed !== served.fixedOpaque && isOpaqueOrigin(request.headers) ? served.fixedOpaque : served.fixed
  try {
    const options = { fixed, close: context.state.stopping }
    const { stream } = answer
    if (stream === undefined) writeAnswer(response, answer, options)
    else streamed = writeStream(response, { ...answer, stream }, options)
  } catch (error) {
    // A20: Node refuses header values that would end their line; nothing of the answer has left yet.
    const reference = context.random.text(9)
    context.failures.record('request.failed', { reference, route: served.route.path, error })
    const plain = context.errors('unexpected', { style: 'oauth', occasion: { reference } })
    writeAnswer(response, plain, { fixed: served.fixed, close: true })
    context.metrics.observe(served.counts, 500, context.clock.monotonic() - startedAt)
    return undefined
  }
  if (streamed === undefined && link.owed.length === 1) link.owed.length = 0
  if (context.state.stopping || !response.shouldKeepAlive) link.ended = true
  const millis = context.clock.monotonic() - startedAt
  context.metrics.observe(served.counts, answer.status, millis)
  if (context.log.verbose) {
    context.log.write({
      event: 'request.answered',
      method: request.method ?? '',
      route: served.route.path,
      status: answer.status,
      millis: Math.round(millis * 100) / 100,
      address: context.peers.of(link.ends, request.headers, passed.scan.forwarded).address,
    })
  }
  return streamed
}
