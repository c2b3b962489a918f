import { rmSync } from 'node:fs'
import type { Fixture } from './fixture.ts'
import { usageOf } from './measure/process.ts'
import type { SideResult } from './report/result.ts'
import { runLoad } from './run-round.ts'
import type { Side } from './sides/side.ts'
import { freePort, launchServer, makeDirectory, type Running } from './sides/start.ts'

const SETTLE_MILLISECONDS = 2000

/** Resident memory idle and after so many opaque tokens, on a store that exists: what the first start does once is over. */
export const measureMemory = (side: Side, fixture: Fixture, tokens: number, lanes: number): Promise<SideResult> =>
  withExistingStore(side, fixture, async (restart) => {
    const server = await restart()
    try {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS))
      const idleBytes = usageOf(server.pid).rssBytes
      const { port, pid } = server
      const until = { flows: tokens }
      const loaded = await runLoad({ flow: 'cc-opaque', port, pid, lanes, warmupCpuSeconds: 0, until, fixture })
      return { side: side.name, title: side.title, memory: { idleBytes, afterBytes: loaded.serverRssBytes, tokens } }
    } finally {
      await server.stop()
    }
  })

/** Time from starting the process to its first ready answer, on a store that exists. */
export const measureStart = (side: Side, fixture: Fixture, times: number): Promise<SideResult> =>
  withExistingStore(side, fixture, async (restart) => {
    const startMilliseconds: number[] = []
    for (let count = 0; count < times; count++) {
      const server = await restart()
      startMilliseconds.push(server.readyMilliseconds)
      await server.stop()
    }
    return { side: side.name, title: side.title, startMilliseconds }
  })

/** One start and stop make the store; then the work restarts the server on it. */
const withExistingStore = async <T>(
  side: Side,
  fixture: Fixture,
  work: (restart: () => Promise<Running>) => Promise<T>,
): Promise<T> => {
  const directory = makeDirectory()
  try {
    const port = await freePort()
    const launch = side.prepare({ directory, port, fixture })
    const restart = (): Promise<Running> => launchServer(side, launch, directory, port)
    await (await restart()).stop()
    return await work(restart)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
