import { parseArgs } from 'node:util'
import { core } from './core.ts'
import { runEpisode, type Outcome } from './episode.ts'
import { mutants } from './mutants.ts'
import { keepProgress, readProgress } from './progress.ts'
import { runVaultEpisode } from './vault/episode.ts'
import { vaultMutants } from './vault/mutants.ts'
import { importSwapped } from './vault/swap.ts'

/**
 * `npm run test:simulation` (10⁶ steps of the core, a 25th of them of the vault), `-- --of core|vault` for one of them,
 * `--steps 100000000 --progress FILE` on demand, killed and called again as often as one likes, `--seed N` to see one episode again.
 * Every episode has a seed of its own, so a failure is had again without the ones before it. Afterwards each is given one mistake
 * after the other, and each must be found; not with `--seed`.
 */
type Episode = (seed: number, options: { readonly steps: number }) => Promise<Outcome>
type Simulation = {
  readonly run: Episode
  readonly stepsPerEpisode: number
  /** What one of its steps costs, in steps of the core. */
  readonly price: number
  readonly mutants: readonly { readonly name: string; readonly load: () => Promise<Episode> }[]
}

const simulations: Readonly<Record<'core' | 'vault', Simulation>> = {
  core: {
    run: runEpisode,
    stepsPerEpisode: 10_000,
    price: 1,
    mutants: mutants.map(({ name, core: changed, ...options }) => ({
      name,
      load:
        async () =>
        (seed, { steps }) =>
          runEpisode(seed, { steps, ...options, core: { ...core, ...changed } }),
    })),
  },
  vault: {
    run: runVaultEpisode,
    stepsPerEpisode: 4_000,
    price: 25,
    mutants: vaultMutants.map(({ name, swap, bend }) => ({
      name,
      load: async () => {
        const { runVaultEpisode: run } = swap === undefined ? { runVaultEpisode } : await importSwapped(swap)
        return (seed, { steps }) => run(seed, { steps, ...(bend !== undefined && { bend }) })
      },
    })),
  },
}
const mostMutantSeeds = 300
const mutantSteps = 2_000

const { values } = parseArgs({
  options: {
    of: { type: 'string' },
    steps: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    progress: { type: 'string' },
  },
})
const only = values.seed === undefined ? undefined : Number(values.seed)
// A seed and a file are of one run: of the core's, unless it is said.
const isOne = values.of !== undefined || only !== undefined || values.progress !== undefined
const chosen = isOne ? [values.of === 'vault' ? ('vault' as const) : ('core' as const)] : (['core', 'vault'] as const)
let [passed, failed] = [0, 0]

for (const of of chosen) {
  const simulation = simulations[of]
  await runAll(of, simulation, Number(values.steps ?? 1_000_000 / simulation.price))
  if (only === undefined) await findAll(simulation)
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function runAll(of: 'core' | 'vault', { run, stepsPerEpisode }: Simulation, steps: number): Promise<void> {
  const episodes = only === undefined ? Math.ceil(steps / stepsPerEpisode) : 1
  const sums: Record<string, number> = {}
  let progress = readProgress(values.progress, only ?? Number(values.from), of)
  if (progress.episodes > 0) console.log(`goes on behind ${progress.steps} steps`)
  const before = progress.seconds
  const began = performance.now()
  while (progress.episodes < episodes) {
    const seed = progress.from + progress.episodes
    const outcome = await run(seed, { steps: stepsPerEpisode })
    for (const [name, count] of Object.entries(outcome.counts)) sums[name] = (sums[name] ?? 0) + count
    const broken = outcome.violation !== undefined
    progress = {
      ...progress,
      episodes: progress.episodes + 1,
      steps: progress.steps + outcome.steps,
      seconds: before + Math.round((performance.now() - began) / 100) / 10,
      failed: broken ? [...progress.failed, seed] : progress.failed,
    }
    keepProgress(values.progress, progress)
    if (broken)
      console.log(
        `${of}, seed ${seed}, step ${outcome.steps}: ${outcome.violation}\n  again: npm run test:simulation -- --of ${of} --seed ${seed}`,
      )
    if (progress.episodes % 1000 === 0)
      console.log(`${progress.steps} steps, ${progress.failed.length} of ${progress.episodes} episodes failed`)
  }
  failed += progress.failed.length
  passed += progress.episodes - progress.failed.length
  if (progress.failed.length > 0) console.log(`seeds that failed: ${progress.failed.join(', ')}`)
  console.log(
    `${of}: ${progress.steps} steps in ${progress.seconds} s: ${Object.entries(sums)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  )
}

/** Gives it one mistake after the other. */
async function findAll({ mutants }: Simulation): Promise<void> {
  for (const { name, load } of mutants) {
    const run = await load()
    let found: string | undefined
    for (let seed = 1; seed <= mostMutantSeeds && found === undefined; seed += 1) {
      const outcome = await run(seed, { steps: mutantSteps })
      if (outcome.violation !== undefined) found = `seed ${seed}, step ${outcome.steps}: ${outcome.violation}`
    }
    console.log(`${found === undefined ? 'NOT FOUND' : 'found'}: ${name}${found === undefined ? '' : ` (${found})`}`)
    if (found === undefined) failed += 1
    else passed += 1
  }
}
