import { fixedText } from '../config/fixed-changes.ts'
import { sha256 } from '../crypto/hash.ts'
import { startServerOfWorkers } from '../server/start-workers.ts'
import { startServer, type RunningServer } from '../server/start.ts'
import { attachWorker } from '../server/worker.ts'
import { isWorker, WorkerRefused } from '../server/workers.ts'
import { CliFailure } from './failure.ts'
import { exitOf, onHangUp, openHouse, prepare, sayReady, watch, type Serving } from './serving.ts'
import { version } from './version.ts'

/** `serve --workers N`: this very command runs once to begin with, and N times more as its workers. */
export function serveByWorkers(
  serving: Serving,
  plan: { readonly count: number; readonly warnings: readonly string[] },
): Promise<void> {
  return isWorker ? work(serving) : beginWorkers(serving, plan)
}

async function beginWorkers(
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
      fixed: sha256(fixedText(config)),
      // Taken out of the environment when it was read; a worker needs it as much as we do.
      environment: config.keySecret === undefined ? {} : { GATEHOUSE_SECRET: config.keySecret.reveal() },
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

async function work(serving: Serving): Promise<void> {
  const { io, config, log, metrics } = serving
  const exit = exitOf(log)
  const worker = attachWorker(process, metrics)
  const begun = await worker.begun
  if (sha256(fixedText(config)) !== begun.fixed) {
    await worker.refused(
      'the configuration has changed since the server was started: restart it, or take the change back',
    )
    return exit(1)
  }
  try {
    const { through, together } = worker
    const gatehouse = await openHouse(serving, { through, together, usersPolicy: begun.usersPolicy })
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
