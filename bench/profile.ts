import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeFixture } from './fixture.ts'
import type { Outcome } from './load/main.ts'
import { cpuByThread } from './measure/process.ts'
import { selfTimes, type CpuProfile } from './report/self-times.ts'
import { table } from './report/table.ts'
import { runLoad } from './run-round.ts'
import { scenariosOf } from './scenarios.ts'
import { gatehouseFromSource } from './sides/gatehouse.ts'
import type { Side } from './sides/side.ts'
import { makeDirectory, freePort, launchServer } from './sides/start.ts'

/**
 * Where a side's CPU time goes under one bench's load: `node bench/profile.ts refresh [--side gatehouse] [--seconds 5] [--top 40]`.
 * Shares are of one thread's busy time by the clock: on a crowded machine system calls look dearer than they are.
 * The profiles stay in the directory it names, for the flame chart of any developer tools.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    side: { type: 'string', default: 'gatehouse' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '40' },
  },
})
const scenarios = scenariosOf(gatehouseFromSource)
const scenario = scenarios.find(({ name }) => name === positionals[0])
if (scenario?.kind !== 'load') throw new Error(`name a bench: ${scenarios.map(({ name }) => name).join(', ')}`)
const row = scenario.rows.find(({ side }) => side.name === values.side)
if (row === undefined || 'measure' in row.side) throw new Error(`${scenario.name} has no side ${values.side}`)
const { flow } = row
const side: Side = row.side

const WIDEST = 90
const directory = makeDirectory()
const port = await freePort()
const fixture = makeFixture()
const launch = side.prepare({ directory, port, fixture })
const profiled = {
  ...launch,
  args: ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=250', ...launch.args],
}
const seconds = Number(values.seconds)

const loadAndStop = async (): Promise<{ outcome: Outcome; threads: ReadonlyMap<string, number> }> => {
  // Not held on one core: the profiler looks at the clock, and would book the writer thread's time on whoever woke it.
  const server = await launchServer(side, profiled, directory, port, 'any')
  try {
    const job = { flow, port, pid: server.pid, lanes: 32, warmupCpuSeconds: 3, until: { seconds }, fixture }
    return { outcome: await runLoad(job), threads: cpuByThread(server.pid) }
  } finally {
    // The profile is written when the process ends.
    await server.stop()
  }
}

const { outcome, threads } = await loadAndStop()
const { flows } = outcome
console.log(
  `${scenario.name} on ${side.name}: ${(outcome.serverCpuMicroseconds / flows).toFixed(1)} µs a flow with the profiler on`,
)
const total = [...threads.values()].reduce((sum, each) => sum + each, 0)
const shares = [...threads]
  .toSorted((a, b) => b[1] - a[1])
  .map(([name, cpu]) => [name, `${((cpu / total) * 100).toFixed(1)} %`])
console.log(`\n${table(['thread', 'share of all CPU, start included'], shares)}`)
for (const file of readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'))) {
  const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile
  const { functions, places } = selfTimes(profile, seconds)
  const busy = places.reduce((sum, [, microseconds]) => sum + microseconds, 0)
  const lines = (of: readonly (readonly [string, number])[], top: number): string[][] =>
    of
      .slice(0, top)
      .map(([name, microseconds]) => [`${((microseconds / busy) * 100).toFixed(1)} %`, name.slice(0, WIDEST)])
  console.log(`\n${join(directory, file)}\n\n${table(['self', 'where'], lines(places, 25), [1])}`)
  console.log(`\n${table(['self', 'function'], lines(functions, Number(values.top)), [1])}`)
}
