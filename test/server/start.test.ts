import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { startServer } from '../../src/server/start.ts'
import { createLog } from '../../src/server/log.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { freePort } from '../kit/free-port.ts'
import { startGatehouse } from '../kit/gatehouse.ts'

test('a start whose port is taken leaves nothing behind that runs on', async () => {
  // Its own shell holds the port that a second one is asked to take.
  const server = await startGatehouse()
  const metricsPort = await freePort()
  const config = { ...server.config, metricsPort }
  let pings = 0
  const core = { ...server.core, keys: { ...server.core.keys, tick: async () => void (pings += 1) } }
  const log = createLog({ level: 'error', clock: server.clock, destination: { write: () => undefined } })
  const system = { clock: server.clock, random: server.core.random }
  const gatehouse = { config, core, follow: () => undefined, close: async () => undefined }
  await expect(startServer(gatehouse, { config, system, log, metrics: createMetrics() })).rejects.toThrow(
    /taken|in use/,
  )
  const others = createServer()
  await new Promise<void>((resolve, reject) => {
    others.once('error', reject).listen(metricsPort, '127.0.0.1', resolve)
  })
  others.close()
  // The work that its upkeep had begun is over when it gives up.
  expect(pings).toBe(1)
  await server.close()
})
