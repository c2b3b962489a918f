/**
 * Embed the server: `loadConfig` reads a configuration, `openGatehouse` composes a server from it, `startServer` puts it behind
 * its HTTP shell. Before its first request, `applyFileEntries` makes the records say what the configuration says, and `firstStart`
 * makes the first administrator. `createSystem`, `createLog` and `createMetrics` make what they ask for; a test brings its own clock instead.
 */
export { applyFileEntries, type FileChanges, type FileEntries } from './accounts/file-entries.ts'
export { firstStart, type FirstStart } from './accounts/first-start.ts'
export type { Config } from './config/config.ts'
export { loadConfig } from './config/load-config.ts'
export { createLog } from './server/log.ts'
export { createMetrics } from './server/metrics.ts'
export { createObserver } from './server/observer.ts'
export { openGatehouse, type Gatehouse, type GatehouseOptions } from './server/gatehouse.ts'
export { startServer, type RunningServer, type StartOptions } from './server/start.ts'
export { createSystem, type System } from './server/system.ts'
