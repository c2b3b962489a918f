import { rmSync } from 'node:fs'
import type { Fixture } from './fixture.ts'
import { usageOf } from './measure/process.ts'
import type { SideResult } from './report/result.ts'
import { runLoad } from './run-round.ts'
import type { Side } from './sides/side.ts'
import { freePort, launchServer, makeDirectory, start } from './sides/start.ts'

const SETTLE_MILLISECONDS = 2000

/** Resident memory idle and after so many opaque tokens. */
export const measureMemory = async (
  side: Side,
  fixture: Fixture,
  tokens: number,
  lanes: number,
): Promise<SideResult> => {
  const server = await start(side, fixture)
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS))
    const idleBytes = usageOf(server.pid).rssBytes
    const { serverRssBytes: afterBytes } = await runLoad({
      flow: 'cc-opaque',
      port: server.port,
      pid: server.pid,
      lanes,
      warmupCpuSeconds: 0,
      until: { flows: tokens },
      fixture,
    })
    return { side: side.name, title: side.title, memory: { idleBytes, afterBytes, tokens } }
  } finally {
    await server.stop()
  }
}

/** Time from starting the process to its first ready answer, on a store that the first, uncounted start made. */
export const measureStart = async (side: Side, fixture: Fixture, times: number): Promise<SideResult> => {
  const directory = makeDirectory()
  try {
    const port = await freePort()
    const launch = side.prepare({ directory, port, fixture })
    await (await launchServer(side, launch, directory, port)).stop()
    const startMilliseconds: number[] = []
    for (let count = 0; count < times; count++) {
      const server = await launchServer(side, launch, directory, port)
      startMilliseconds.push(server.readyMilliseconds)
      await server.stop()
    }
    return { side: side.name, title: side.title, startMilliseconds }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
