import type { IncomingMessage, ServerResponse } from 'node:http'
import { Server as ListeningServer, type AddressInfo, type Socket } from 'node:net'
import { answerBrokenRequest, refuseTunnel } from './broken-request.ts'
import { connectionLimits, mostQueued, watchConnections, type ConnectionLimits } from './connections.ts'
import { refuse, serve, type Arrival, type ExchangeContext, type ServedRoute, type ShellState } from './exchange.ts'
import { createFailureLog } from './failure-log.ts'
import { headerLimits, passGate, type Gate, type Passed } from './gate.ts'
import { createHostCheck } from './host.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { createMisses } from './misses.ts'
import { createServer } from './node-http.ts'
import { createOverload } from './overload.ts'
import { createPeers } from './peer.ts'
import { createRouteTable, methodsAt, parametersOf } from './route-table.ts'
import type { Route } from './route.ts'
import { headersEverywhere, servedRoute } from './served-route.ts'
import { createErrorAnswers, type ErrorPage } from './shell-error.ts'
import { listenOn } from './listen-on.ts'
import type { System } from './system.ts'
import { createTurnEnd, createTurns } from './turns.ts'

/** In milliseconds. J08: a head in 10 s, a whole request in 30 s, a minute of silence between two. */
const timeouts = { headers: 10_000, request: 30_000, idle: 60_000, stuck: 60_000, check: 1_000 } as const
export type Timeouts = { readonly [Name in keyof typeof timeouts]: number }

export type ShellOptions = {
  readonly routes: readonly Route[]
  readonly config: {
    readonly issuer: string
    readonly trustedProxies: readonly string[]
    readonly listen: { readonly host: string; readonly port: number }
    /** Further values of Host that are answered. */
    readonly extraHosts?: readonly string[]
  }
  readonly system: System
  readonly log: Log
  readonly metrics: Metrics
  readonly errorPage: ErrorPage
  /** Told of every request as soon as its head is there. */
  readonly onArrival?: () => void
  readonly timeouts?: Partial<Timeouts>
  readonly connectionLimits?: Partial<ConnectionLimits>
}

/** The HTTP shell, from the socket to an endpoint and back. */
export type Shell = {
  /** Throws if the address can't be had, saying why. */
  readonly listen: () => Promise<AddressInfo>
  readonly address: () => AddressInfo | undefined
  /** How many endpoints are at work, connections are open, and connections there were since the start. */
  readonly load: () => { readonly running: number; readonly connections: number; readonly accepted: number }
  /** Accept nobody new; every answer from now on ends its connection. Connections stay. */
  readonly stopAccepting: () => void
  /** Close what has nothing to say at the moment. */
  readonly closeIdle: () => void
  /** Close everything now, in the middle of a word if need be, and free the shell. */
  readonly close: () => Promise<void>
}

const notPassed: Passed = { path: '', query: '', scan: { repeated: new Set(), forwarded: false } }

/** A route, and what its parameters are called. */
type Known = { readonly served: ServedRoute; readonly parameters: readonly string[] }

export function createShell(options: ShellOptions): Shell {
  const { config, system, log, metrics } = options
  const time = { ...timeouts, ...options.timeouts }
  const state: ShellState = { stopping: false, running: 0, port: undefined }
  const table = createRouteTable(options.routes)
  const peers = createPeers(config.trustedProxies)
  const overload = createOverload(system.clock, ({ overloaded, delayMillis }) =>
    log.write({ event: overloaded ? 'server.overloaded' : 'server.recovered', delayMillis }),
  )

  const server = createServer(
    {
      headersTimeout: time.headers,
      requestTimeout: time.request,
      keepAliveTimeout: time.idle,
      connectionsCheckingInterval: time.check,
      maxHeaderSize: headerLimits.bytes,
      // J09: never a lenient parser, whatever the process was started with.
      httpValidation: 'strict',
      joinDuplicateHeaders: true,
      // Our own check of Host answers in our own words.
      requireHostHeader: false,
      optimizeEmptyRequests: true,
      noDelay: true,
    },
    arrive,
  )
  server.maxHeadersCount = headerLimits.linesRead
  server.timeout = time.stuck

  const connections = watchConnections(server, {
    peers,
    limits: { ...connectionLimits, ...options.connectionLimits },
    onDropped: () => metrics.count('dropped_connections'),
  })
  const context: ExchangeContext = {
    clock: system.clock,
    random: system.random,
    log,
    failures: createFailureLog(log, system.clock),
    metrics,
    overload,
    peers,
    connections,
    errors: createErrorAnswers(options.errorPage),
    state,
    turns: createTurns(),
    turnEnd: createTurnEnd(),
  }
  const gate: Gate = {
    paths: table.paths,
    openPrefixes: table.openPrefixes,
    anyHostPaths: new Set(options.routes.filter(({ anyHost }) => anyHost === true).map(({ path }) => path)),
    hostCheck: createHostCheck(config.issuer, config.extraHosts),
    boundPort: () => state.port,
  }
  const everywhere = headersEverywhere(config.issuer)
  const misses = createMisses({ context, everywhere })
  const known = new Map<Route, Known>()
  /** By method, then path: those without parameters. */
  const direct = new Map<string, Map<string, ServedRoute>>()
  for (const route of options.routes) {
    const served = servedRoute(route, { everywhere, metrics })
    const parameters = parametersOf(route.path)
    known.set(route, { served, parameters })
    if (parameters.length > 0) continue
    for (const method of methodsAt(route))
      direct.set(method, (direct.get(method) ?? new Map<string, ServedRoute>()).set(route.path, served))
  }

  const { onArrival } = options

  function arrive(request: IncomingMessage, response: ServerResponse): void {
    onArrival?.()
    const startedAt = system.clock.monotonic()
    const link = connections.linkOf(request.socket)
    if (link.young) connections.proven(request.socket, link)
    if (link.broken) return
    // A response has its socket only when all before it on the connection are written.
    if (response.socket !== null) link.owed.length = 0
    if (link.owed.push(response) > 1 + mostQueued) {
      metrics.count('dropped_connections')
      request.socket.destroy()
      return
    }
    const passed = passGate(gate, request)
    if (typeof passed === 'string') {
      const arrival = { request, response, link, startedAt, passed: notPassed }
      // What is wrong with the head may be about where the request ends, so the connection ends with it.
      if (passed !== 'not_found' && passed !== 'misdirected') response.shouldKeepAlive = false
      refuse(context, { ...arrival, served: misses.nowhere(request, []) }, { name: passed })
      return
    }
    const arrival: Arrival = { request, response, link, passed, startedAt }
    const fixed = direct.get(request.method ?? '')?.get(passed.path)
    if (fixed !== undefined) serve(context, { ...arrival, served: fixed, params: {} })
    else byParameters(arrival)
  }

  function byParameters(arrival: Arrival): void {
    const { routes, values } = table.at(arrival.passed.path)
    const { method = '' } = arrival.request
    const route = routes.find((each) => methodsAt(each).includes(method))
    const { served, parameters = [] } = (route && known.get(route)) ?? {}
    if (served === undefined) misses.answer(arrival, routes)
    else {
      const params = Object.fromEntries(parameters.map((name, index) => [name, values[index] ?? '']))
      serve(context, { ...arrival, served, params })
    }
  }

  // A request that expects something goes the same way; whether to say "go on" is decided where its body is read.
  server.on('checkContinue', arrive)
  server.on('checkExpectation', arrive)
  server.on('clientError', (error: Error, socket: Socket) => {
    answerBrokenRequest(error, socket, { connections, log, metrics })
  })
  server.on('connect', (_request, socket: Socket) => refuseTunnel(socket, connections.linkOf(socket)))
  metrics.gauge('connections', 'Open connections', connections.size)
  metrics.gauge(
    'running_requests',
    'Requests that an endpoint is working on, and sign-ins that wait for their turn',
    () => state.running,
  )
  metrics.gauge(
    'event_loop_delay_seconds',
    'How late the event loop was when last looked at',
    () => overload.delayMillis() / 1000,
  )
  metrics.gauge('overload_pressure', 'How many priorities are turned away', overload.pressure)

  function boundTo(): AddressInfo | undefined {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address : undefined
  }

  return {
    listen: async () => {
      const address = await listenOn(server, config.listen)
      state.port = address.port
      overload.start()
      return address
    },
    address: boundTo,
    load: () => ({ running: state.running, connections: connections.size(), accepted: connections.accepted() }),
    stopAccepting: () => {
      state.stopping = true
      // Only the listening socket: `server.close` would cut idle connections at once, and with them requests on their way here.
      ListeningServer.prototype.close.call(server)
    },
    closeIdle: () => {
      server.closeIdleConnections()
      connections.closeSilent()
    },
    close: async () => {
      state.stopping = true
      overload.stop()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
