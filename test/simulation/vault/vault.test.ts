import { expect, test } from 'vitest'
import { runVaultEpisode } from './episode.ts'
import { bent } from './mutants.ts'

test('INV6, and INV3, INV7, INV10 of connections: some thousand steps of three nodes hold', async () => {
  let renewals = 0
  for (const seed of [1, 2, 3]) {
    const { violation, counts } = await runVaultEpisode(seed, { steps: 2_000 })
    expect(violation, `seed ${seed}`).toBeUndefined()
    renewals += counts['renewals'] ?? 0
  }
  expect(renewals).toBeGreaterThan(5)
})

test('an episode of the vault is the same every time, from its seed alone', async () => {
  const [once, again] = [await runVaultEpisode(4, { steps: 1_000 }), await runVaultEpisode(4, { steps: 1_000 })]
  expect(again).toEqual(once)
  expect(await runVaultEpisode(5, { steps: 1_000 })).not.toEqual(once)
})

test.each(bent)('finds: $name', async ({ bend }) => {
  let violation: string | undefined
  for (let seed = 1; seed <= 20 && violation === undefined; seed += 1)
    ({ violation } = await runVaultEpisode(seed, { steps: 2_000, ...(bend !== undefined && { bend }) }))
  expect(violation).toBeDefined()
})
