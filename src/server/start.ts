import type { AddressInfo } from 'node:net'
import type { Config } from '../config/config.ts'
import { rings } from '../domain/key-lifecycle.ts'
import { createErrorPage } from './error-page.ts'
import type { Gatehouse } from './gatehouse.ts'
import { createHealth } from './health.ts'
import { createShell } from './http.ts'
import type { Log } from './log.ts'
import { listenForMetrics } from './metrics-listener.ts'
import type { Metrics } from './metrics.ts'
import { createReload, type Reload } from './reload.ts'
import { routesOf } from './routes.ts'
import { createStop, type GracefulStop, type StopTimes } from './stop.ts'
import type { System } from './system.ts'
import { startUpkeep, upkeepReport } from './upkeep.ts'

/** A server that answers. */
export type RunningServer = GracefulStop & {
  readonly address: AddressInfo
  readonly metricsAddress?: AddressInfo
  readonly reload: Reload
}

export type StartOptions = {
  readonly config: Config
  readonly system: System
  readonly log: Log
  readonly metrics: Metrics
  readonly version?: string
  readonly stopTimes?: Partial<StopTimes>
  /** Off in a worker process: the one that started it does what a server does by itself. */
  readonly upkeep?: boolean
}

/** Put a composed Gatehouse behind its HTTP shell and its upkeep, and listen. Throws if an address can't be had. */
export async function startServer(gatehouse: Gatehouse, options: StartOptions): Promise<RunningServer> {
  const { core } = gatehouse
  const { config, system, log, metrics } = options
  const health = createHealth({
    clock: core.clock,
    ping: core.admin.ping,
    keysReady: () => {
      const active = new Set(core.keys.list().flatMap(({ ring, state }) => (state === 'active' ? [ring] : [])))
      return rings.every((ring) => active.has(ring))
    },
  })
  const shell = createShell({
    routes: [...health.routes, ...routesOf(core)],
    config,
    system,
    log,
    metrics,
    errorPage: createErrorPage(core.look),
    ...(core.admin.arrival === undefined ? {} : { onArrival: core.admin.arrival }),
  })
  const metricsListener =
    config.metricsPort === undefined ? undefined : await listenForMetrics(metrics, config.metricsPort)
  const upkeep = options.upkeep === false ? undefined : startUpkeep(gatehouse, upkeepReport(log))
  const closeRest = async (): Promise<void> => {
    await upkeep?.stop()
    await metricsListener?.close()
  }
  const address = await shell.listen().catch(async (error: unknown) => {
    await closeRest()
    throw error
  })
  const { address: host, port } = address
  log.write({
    event: 'server.started',
    address: `${host}:${port}`,
    issuer: config.issuer,
    ...(options.version === undefined ? {} : { version: options.version }),
  })
  const stop = createStop({
    shell,
    health,
    log,
    clock: core.clock,
    ...(options.stopTimes === undefined ? {} : { times: options.stopTimes }),
    closeRest: async () => {
      await closeRest()
      await gatehouse.close()
    },
  })
  return {
    ...stop,
    address,
    ...(metricsListener === undefined ? {} : { metricsAddress: metricsListener.address }),
    reload: createReload(gatehouse, log, gatehouse.follow),
  }
}
