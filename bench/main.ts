import { parseArgs } from 'node:util'
import { makeFixture } from './fixture.ts'
import { describeMachine } from './measure/machine.ts'
import { render } from './report/render.ts'
import type { Result, SideResult } from './report/result.ts'
import { keepResult, writeResults } from './report/results-file.ts'
import { measureMemory, measureStart } from './run-footprint.ts'
import { runLoadScenario } from './run-load.ts'
import { benchScaling } from './scaling.ts'
import { benchStores } from './stores/bench-stores.ts'
import { besideBefore, scenariosOf, type Scenario, type Sizes } from './scenarios.ts'
import { buildGatehouse, gatehouseCompiled, gatehouseFromSource } from './sides/gatehouse.ts'
import type { Side } from './sides/side.ts'

const usage = (
  scenarios: readonly Scenario[],
): string => `npm run bench [-- NAME… --quick --rounds N --seconds N --lanes N --side NAME… --source]

${scenarios.map(({ name, what }) => `  ${name.padEnd(18)} ${what}`).join('\n')}
  ${'stores'.padEnd(18)} rotation, code flow and introspection on every store at 1, 16, 64 and 256 at once, beside raw rows (first; names of stores may follow)
  ${'scaling'.padEnd(18)} all that docs/scaling.md is made of: stores, workers beside refresh, a million expired grants (alone)

--quick    one-second rounds, to see that everything runs; its figures mean little and stay out of RESULTS.md
--rounds   rounds per side (3)         --seconds  length of a round (10)
--lanes    connections (32)            --side     only these sides; ratios need both
--source   run our TypeScript directly, without compiling it first
--before   the folder of another clone, installed: its server takes turns with ours, both from source`

type Plan = {
  readonly rounds: number
  readonly seconds: number
  readonly lanes: number
  readonly warmupCpuSeconds: number
  readonly tokens: number
  readonly starts: number
  readonly sizes: Sizes
}

const WHOLE: Plan = {
  rounds: 3,
  seconds: 10,
  lanes: 32,
  // Compilers are at work for longer than ten: before, both sides are dearer than they stay, and not by the same.
  warmupCpuSeconds: 12,
  tokens: 1_000_000,
  starts: 7,
  sizes: { strangers: 1_000_000, expiring: 10_000, recalled: 100_000 },
}
const QUICK: Plan = {
  rounds: 1,
  seconds: 1,
  lanes: 32,
  warmupCpuSeconds: 0.5,
  tokens: 20_000,
  starts: 2,
  sizes: { strangers: 20_000, expiring: 700, recalled: 2_000 },
}

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean' },
      help: { type: 'boolean' },
      source: { type: 'boolean' },
      before: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      lanes: { type: 'string' },
      side: { type: 'string', multiple: true },
    },
  })
  if (positionals[0] === 'stores') {
    const [, ...only] = positionals
    const quick = values.quick === true
    const plan = { rounds: Number(values.rounds ?? 1), seconds: Number(values.seconds ?? (quick ? 1 : 3)), only }
    return (await benchStores({ ...plan, publishes: !quick })) ? 0 : 1
  }
  if (positionals.length === 1 && positionals[0] === 'scaling')
    return (await benchScaling({ quick: values.quick === true })) ? 0 : 1
  const fromSource = values.source === true || values.before !== undefined
  const all = scenariosOf(fromSource ? gatehouseFromSource : gatehouseCompiled)
  const scenarios = values.before === undefined ? all : besideBefore(all, values.before)
  const unknown = positionals.find((name) => !scenarios.some((scenario) => scenario.name === name))
  if (values.help === true || unknown !== undefined) {
    console.log(unknown === undefined ? usage(scenarios) : `no bench is named ${unknown}\n\n${usage(scenarios)}`)
    return unknown === undefined ? 0 : 2
  }
  if (process.platform !== 'linux') throw new Error('the bench reads CPU time from /proc: it needs Linux')

  const wanted = (side: Pick<Side, 'name'>): boolean => values.side?.includes(side.name) ?? true
  if (!fromSource && wanted(gatehouseCompiled)) buildGatehouse()
  const base = values.quick === true ? QUICK : WHOLE
  const plan: Plan = {
    ...base,
    rounds: Number(values.rounds ?? base.rounds),
    seconds: Number(values.seconds ?? base.seconds),
    lanes: Number(values.lanes ?? base.lanes),
  }
  const chosen = scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const whole = values.quick !== true && !fromSource && values.side === undefined
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ')
  const machine = describeMachine()
  const results: Result[] = []
  const failures: string[] = []
  for (const scenario of chosen) {
    console.error(`${scenario.name}: ${scenario.what}`)
    try {
      const sides = await runScenario(scenario, plan, wanted)
      const { name, what } = scenario
      const result: Result = { name, what, command, when: new Date().toISOString(), machine, sides }
      await keepResult(result, whole)
      results.push(result)
    } catch (error) {
      failures.push(`${scenario.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (whole && results.length > 0) await writeResults(scenarios.map(({ name }) => name))
  console.log(`\n${render(results)}`)
  for (const failure of failures) console.error(`\nFAILED ${failure}`)
  return failures.length === 0 ? 0 : 1
}

const runScenario = async (
  scenario: Scenario,
  plan: Plan,
  wanted: (side: Pick<Side, 'name'>) => boolean,
): Promise<SideResult[]> => {
  const fixture = makeFixture()
  if (scenario.kind === 'load') {
    const { rounds, lanes, warmupCpuSeconds, seconds } = plan
    const rows = scenario.rows.filter(({ side }) => wanted(side))
    return runLoadScenario(
      rows,
      fixture,
      rounds,
      { lanes: scenario.lanes ?? lanes, warmupCpuSeconds, seconds },
      (line) => console.error(line),
    )
  }
  if (scenario.kind === 'alone')
    return wanted(gatehouseCompiled)
      ? [{ side: scenario.name, title: scenario.title, figures: await scenario.measure(plan.sizes) }]
      : []
  const results: SideResult[] = []
  for (const side of scenario.sides.filter(wanted)) {
    console.error(`  ${side.name}`)
    results.push(
      scenario.kind === 'memory'
        ? await measureMemory(side, fixture, plan.tokens, plan.lanes)
        : await measureStart(side, fixture, plan.starts),
    )
  }
  return results
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
