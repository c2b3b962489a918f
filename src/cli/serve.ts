import type { Command } from 'commander'
import { settings } from '../config/settings.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { startServer, type RunningServer } from '../server/start.ts'
import type { Io } from './io.ts'
import { textSettings, withSettings } from './options.ts'
import { readConfig } from './read-config.ts'
import { exitOf, onHangUp, openHouse, prepare, sayReady, watch, type Serving } from './serving.ts'
import type { Options } from './verb.ts'
import { version } from './version.ts'

/** Adds `gatehouse serve`. */
export function registerServe(program: Command, io: Io): void {
  withSettings(
    program.command('serve').description('run the server; everything has a default, see docs/configuration.md'),
    settings.map(({ name }) => name),
  ).action((options: Options) => serve(io, options))
}

/** Runs until a signal ends it; the promise resolves when it answers. */
async function serve(io: Io, options: Options): Promise<void> {
  // Whoever has no channel was begun by nobody, and needn't load what a worker needs.
  if (process.connected) {
    const { isWorker, work } = await import('./serve-workers.ts')
    if (isWorker(io.environment)) return work(io)
  }
  const { config, warnings } = readConfig(io, textSettings(options))
  const log = createLog({ level: config.logLevel, clock: io.system.clock })
  const metrics = createMetrics()
  const serving: Serving = { io, options, config, log, metrics }
  if (config.workers !== undefined) {
    const { serveByWorkers } = await import('./serve-workers.ts')
    return serveByWorkers(serving, { count: config.workers, warnings })
  }
  for (const warning of warnings) log.write({ event: 'config.warning', warning })
  const gatehouse = await openHouse(serving, { serves: true })
  let server: RunningServer
  try {
    await prepare(io, gatehouse)
    server = await startServer(gatehouse, { config, system: io.system, log, metrics, version: version() })
  } catch (error) {
    await gatehouse.close()
    throw error
  }
  watch(serving, server)
  server.onSignals(process, exitOf(log))
  onHangUp(serving, server)
  sayReady(serving)
}
