import { parseArgs } from 'node:util'
import { core } from './core.ts'
import { runEpisode } from './episode.ts'
import { mutants } from './mutants.ts'
import { keepProgress, readProgress } from './progress.ts'

/**
 * `npm run test:simulation` (10⁶ steps), `-- --steps 100000000 --progress FILE` on demand, killed and called again as often as
 * one likes, `-- --seed N` to see one episode again.
 * Every episode has a seed of its own, so a failure is had again without the ones before it. Afterwards the core is given one
 * mistake after the other, and each must be found; not with `--seed`.
 */
const stepsPerEpisode = 10_000
const mostMutantSeeds = 300
const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    progress: { type: 'string' },
  },
})
const only = values.seed === undefined ? undefined : Number(values.seed)
const episodes = only === undefined ? Math.ceil(Number(values.steps) / stepsPerEpisode) : 1
const sums: Record<string, number> = {}
let progress = readProgress(values.progress, only ?? Number(values.from))
if (progress.episodes > 0) console.log(`goes on behind ${progress.steps} steps`)
const before = progress.seconds
const began = performance.now()
while (progress.episodes < episodes) {
  const seed = progress.from + progress.episodes
  const outcome = await runEpisode(seed, { steps: stepsPerEpisode })
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
      `seed ${seed}, step ${outcome.steps}: ${outcome.violation}\n  again: npm run test:simulation -- --seed ${seed}`,
    )
  if (progress.episodes % 1000 === 0)
    console.log(`${progress.steps} steps, ${progress.failed.length} of ${progress.episodes} episodes failed`)
}
let failed = progress.failed.length
let passed = progress.episodes - failed
if (failed > 0) console.log(`seeds that failed: ${progress.failed.join(', ')}`)
console.log(
  `${progress.steps} steps in ${progress.seconds} s: ${Object.entries(sums)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')}`,
)
for (const { name, core: changed, ...options } of only === undefined ? mutants : []) {
  let found: string | undefined
  for (let seed = 1; seed <= mostMutantSeeds && found === undefined; seed += 1) {
    const outcome = await runEpisode(seed, { steps: 2_000, ...options, core: { ...core, ...changed } })
    if (outcome.violation !== undefined) found = `seed ${seed}, step ${outcome.steps}: ${outcome.violation}`
  }
  console.log(`${found === undefined ? 'NOT FOUND' : 'found'}: ${name}${found === undefined ? '' : ` (${found})`}`)
  if (found === undefined) failed += 1
  else passed += 1
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
