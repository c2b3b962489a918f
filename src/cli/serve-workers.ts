import { takeConfig } from '../config/hand-config.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { startServerOfWorkers } from '../server/start-workers.ts'
import { startServer, type RunningServer } from '../server/start.ts'
import { attachWorker } from '../server/worker.ts'
import { isWorker, WorkerRefused } from '../server/workers.ts'
import { CliFailure } from './failure.ts'
import type { Io } from './io.ts'
import { exitOf, onHangUp, openHouse, prepare, sayReady, watch, type Serving } from './serving.ts'
import { version } from './version.ts'

/** `serve --workers N`: this very command runs once to begin with, and N times more as its workers (`work`). */
export async function serveByWorkers(
  serving: Serving,
  { count, warnings }: { readonly count: number; readonly warnings: readonly string[] },
): Promise<void> {
  const { io, config, log, metrics } = serving
  for (const warning of warnings) log.write({ event: 'config.warning', warning })
  const gatehouse = await openHouse(serving, { serves: true })
  let server: RunningServer
  try {
    await prepare(io, gatehouse)
    server = await startServerOfWorkers(gatehouse, {
      config,
      log,
      metrics,
      workers: count,
    })
  } catch (error) {
    await gatehouse.close()
    throw error instanceof WorkerRefused ? new CliFailure(error.message) : error
  }
  watch(serving, server)
  server.onSignals(process, exitOf(log))
  onHangUp(serving, server)
  sayReady(serving)
}

/** Whether this process serves for another one, by the configuration that it is told. */
export { isWorker }

/** One of the workers, which reads no configuration: what the file says by now, the server may not follow. */
export async function work(io: Io): Promise<void> {
  const metrics = createMetrics()
  const worker = attachWorker(process, metrics)
  const begun = await worker.begun
  const config = takeConfig(begun.config)
  const log = createLog({ level: config.logLevel, clock: io.system.clock })
  const serving = { io, config, log, metrics }
  const exit = exitOf(log)
  try {
    const { through, together } = worker
    const gatehouse = await openHouse(serving, { through, together })
    worker.onFollow(gatehouse.follow)
    // Those numbers are the whole server's, and told by the one that began us.
    const { metricsPort: _, ...own } = config
    const listen = { ...config.listen, port: begun.port ?? config.listen.port }
    const server = await startServer(gatehouse, {
      config: { ...own, listen },
      system: io.system,
      log,
      metrics,
      version: version(),
      upkeep: false,
    })
    watch(serving, server)
    worker.onStop((signal) => {
      void server.stop(signal).then(
        () => exit(0),
        () => exit(1),
      )
    })
    worker.listening(server.address)
  } catch (error) {
    await worker.refused(error instanceof Error ? error.message : String(error))
    exit(1)
  }
}
