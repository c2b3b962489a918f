import { expect, test } from 'vitest'
import { core } from './core.ts'
import { runEpisode } from './episode.ts'
import { mutants } from './mutants.ts'

test('INV1 to INV4, INV7, INV8, INV10: some thousand steps of three nodes hold', async () => {
  for (const seed of [1, 2, 3]) {
    const { violation, counts } = await runEpisode(seed, { steps: 4_000 })
    expect(violation, `seed ${seed}`).toBeUndefined()
    expect(counts['answers']).toBeGreaterThan(20)
  }
})

test('an episode is the same every time, from its seed alone', async () => {
  const [once, again] = [await runEpisode(7, { steps: 3_000 }), await runEpisode(7, { steps: 3_000 })]
  expect(again).toEqual(once)
  expect(await runEpisode(8, { steps: 3_000 })).not.toEqual(once)
})

test.each(mutants.slice(0, 1).concat(mutants.slice(4, 9)))('finds: $name', async ({ core: changed }) => {
  let violation: string | undefined
  for (let seed = 1; seed <= 20 && violation === undefined; seed += 1)
    ({ violation } = await runEpisode(seed, { steps: 2_000, core: { ...core, ...changed } }))
  expect(violation).toBeDefined()
})
