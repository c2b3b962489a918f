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
}

/** What changes while the shell lives. */
export type ShellState = {
  /** From now on every answer is the last of its connection. */
  stopping: boolean
  /** Endpoints at work. */
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
export function serve(
  context: ExchangeContext,
  served: ServedRoute,
  arrival: Arrival,
  params: Readonly<Record<string, string>>,
): void {
  const { request, response } = arrival
  const { headers } = request
  if (context.overload.sheds(served.priority)) {
    context.metrics.count('shed_requests')
    refuse(context, served, arrival, 'unavailable', { retryAfterSeconds: context.overload.retryAfterSeconds() })
  } else if (served.route.kind === 'stream') {
    pass(context, served, arrival, params)
  } else if (!hasBody(headers)) {
    run(context, served, arrival, params, '')
  } else {
    const wrong = refuseBody(served.route, headers)
    if (wrong !== undefined) {
      refuse(context, served, arrival, wrong)
      return
    }
    if (headers.expect !== undefined) response.writeContinue()
    readBody(request, served.bodyLimit, {
      read: (body) => run(context, served, arrival, params, body),
      refused: (name) => refuse(context, served, arrival, name),
    })
  }
}

/** Hands the body to the endpoint as it comes. */
function pass(
  context: ExchangeContext,
  served: ServedRoute,
  arrival: Arrival,
  params: Readonly<Record<string, string>>,
): void {
  const { request, response } = arrival
  const { headers } = request
  const wrong = hasBody(headers) ? refuseBody(served.route, headers) : undefined
  if (wrong !== undefined) {
    refuse(context, served, arrival, wrong)
    return
  }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  if (!hasBody(headers)) {
    run(context, served, arrival, params, { gone: gone.signal })
    return
  }
  if (headers.expect !== undefined) response.writeContinue()
  // Whoever stops reading must still be able to answer: the rest is thrown away once he has.
  const upload = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  run(context, served, arrival, params, { upload, gone: gone.signal })
}

function run(
  context: ExchangeContext,
  served: ServedRoute,
  arrival: Arrival,
  params: Readonly<Record<string, string>>,
  body: string | Passage,
): void {
  const { request, link, passed } = arrival
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
    fail(context, served, arrival, error)
    return
  }
  if (answer instanceof Promise) {
    answer.then(
      (settled) => finish(context, served, arrival, settled),
      (error: unknown) => fail(context, served, arrival, error),
    )
  } else finish(context, served, arrival, answer)
}

function finish(context: ExchangeContext, served: ServedRoute, arrival: Arrival, answer: HttpResponse): void {
  if (served.route.kind === 'stream') discardRest(context, arrival)
  const said = send(context, served, arrival, answer)
  if (said === undefined) context.state.running -= 1
  else void said.finally(() => (context.state.running -= 1))
}

/** Says no in the shell's own words, without asking the endpoint. */
export function refuse(
  context: ExchangeContext,
  served: Pick<ServedRoute, 'style' | 'fixed' | 'fixedOpaque' | 'counts' | 'route'>,
  arrival: Arrival,
  name: ShellErrorName,
  occasion?: Occasion,
): void {
  const { request } = arrival
  const answer = context.errors(name, served.style, occasion, request.headers as HttpRequest['headers'])
  discardRest(context, arrival)
  void send(context, served, arrival, answer)
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
function fail(context: ExchangeContext, served: ServedRoute, arrival: Arrival, error: unknown): void {
  context.state.running -= 1
  const reference = context.random.text(9)
  const passing = error instanceof Error && unavailable.has(error.name)
  context.failures.record(passing ? 'request.unavailable' : 'request.failed', {
    reference,
    route: `${served.route.method} ${served.route.path}`,
    error,
  })
  refuse(
    context,
    served,
    arrival,
    passing ? (error.name === 'AuditSinkDown' ? 'audit_unavailable' : 'unavailable') : 'unexpected',
    passing ? { reference, retryAfterSeconds: context.overload.retryAfterSeconds() } : { reference },
  )
}

function send(
  context: ExchangeContext,
  served: Pick<ServedRoute, 'fixed' | 'fixedOpaque' | 'counts' | 'route' | 'style'>,
  arrival: Arrival,
  answer: HttpResponse,
): Promise<void> | undefined {
  const { request, response, startedAt } = arrival
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
    const plain = context.errors('unexpected', 'oauth', { reference })
    writeAnswer(response, plain, { fixed: served.fixed, close: true })
    context.metrics.observe(served.counts, 500, context.clock.monotonic() - startedAt)
    return undefined
  }
  if (context.state.stopping || !response.shouldKeepAlive) arrival.link.ended = true
  const millis = context.clock.monotonic() - startedAt
  context.metrics.observe(served.counts, answer.status, millis)
  if (context.log.verbose) {
    context.log.write({
      event: 'request.answered',
      method: request.method ?? '',
      route: served.route.path,
      status: answer.status,
      millis: Math.round(millis * 100) / 100,
      address: context.peers.of(arrival.link.ends, request.headers, arrival.passed.scan.forwarded).address,
    })
  }
  return streamed
}
