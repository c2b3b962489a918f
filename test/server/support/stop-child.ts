// A small server of its own process, for tests that stop it. argv[2]: the stop times as JSON. Prints its port.
import { setTimeout as pause } from 'node:timers/promises'
import { createHealth } from '../../../src/server/health.ts'
import { createShell } from '../../../src/server/http.ts'
import { createLog } from '../../../src/server/log.ts'
import { createMetrics } from '../../../src/server/metrics.ts'
import { createStop, type StopTimes } from '../../../src/server/stop.ts'
import { createSystem } from '../../../src/server/system.ts'
import { errorPage } from './shell.ts'

const signalled = new Promise((resolve) => process.once('SIGTERM', resolve))
const system = createSystem()
const metrics = createMetrics()
const log = createLog({ level: 'warn', clock: system.clock })
const health = createHealth({ clock: system.clock, ping: () => Promise.resolve(), keysReady: () => true })
const answer = (body: string) => ({ status: 200, headers: [['content-type', 'text/plain']] as const, body })

const shell = createShell({
  routes: [
    ...health.routes,
    {
      method: 'POST',
      path: '/token',
      kind: 'form',
      access: 'client',
      endpoint: ({ body }) => answer(`token for ${body}`),
    },
    {
      method: 'GET',
      path: '/slow',
      kind: 'none',
      access: 'token',
      endpoint: () => pause(150).then(() => answer('slow')),
    },
    {
      method: 'GET',
      path: '/until-stopping',
      kind: 'none',
      access: 'token',
      endpoint: () => signalled.then(() => pause(50)).then(() => answer('slow')),
    },
    { method: 'GET', path: '/hangs', kind: 'none', access: 'token', endpoint: () => new Promise(() => {}) },
  ],
  config: { issuer: 'http://localhost:8080', trustedProxies: [], listen: { host: '127.0.0.1', port: 0 } },
  system,
  log,
  metrics,
  errorPage,
})
const stop = createStop({
  shell,
  health,
  log,
  clock: system.clock,
  closeRest: () => Promise.resolve(),
  times: JSON.parse(process.argv[2] ?? '{}') as Partial<StopTimes>,
})
stop.onSignals(process, (code) => process.exit(code))
const { port } = await shell.listen()
process.stdout.write(`${port}\n`)
