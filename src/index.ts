/**
 * Embed the server: `loadConfig` reads a configuration, `openGatehouse` composes a server from it, `startServer` puts it behind
 * its HTTP shell. `createSystem`, `createLog` and `createMetrics` make what they ask for; a test brings its own clock instead.
 */
export type { Config } from './config/config.ts'
export { loadConfig } from './config/load-config.ts'
export { createLog } from './server/log.ts'
export { createMetrics } from './server/metrics.ts'
export { createObserver } from './server/observer.ts'
export { openGatehouse, type Gatehouse, type GatehouseOptions } from './server/gatehouse.ts'
export { startServer, type RunningServer, type StartOptions } from './server/start.ts'
export { createSystem, type System } from './server/system.ts'
