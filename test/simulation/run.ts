import { parseArgs } from 'node:util'
import { core } from './core.ts'
import { runEpisode } from './episode.ts'
import { mutants } from './mutants.ts'

/**
 * `npm run test:simulation` (10⁶ steps), `-- --steps 100000000` on demand, `-- --seed N` to see one episode again.
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
  },
})
const only = values.seed === undefined ? undefined : Number(values.seed)
const first = only ?? Number(values.from)
const episodes = only === undefined ? Math.ceil(Number(values.steps) / stepsPerEpisode) : 1
const sums: Record<string, number> = {}
let steps = 0
let passed = 0
const began = performance.now()
for (let episode = 0; episode < episodes; episode += 1) {
  const seed = first + episode
  const outcome = await runEpisode(seed, { steps: stepsPerEpisode })
  steps += outcome.steps
  for (const [name, count] of Object.entries(outcome.counts)) sums[name] = (sums[name] ?? 0) + count
  if (outcome.violation === undefined) passed += 1
  else
    console.log(
      `seed ${seed}, step ${outcome.steps}: ${outcome.violation}\n  again: npm run test:simulation -- --seed ${seed}`,
    )
  if ((episode + 1) % 1000 === 0)
    console.log(`${steps} steps, ${episode + 1 - passed} of ${episode + 1} episodes failed`)
}
const seconds = Math.round((performance.now() - began) / 100) / 10
console.log(
  `${steps} steps in ${seconds} s: ${Object.entries(sums)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')}`,
)
let failed = episodes - passed
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
