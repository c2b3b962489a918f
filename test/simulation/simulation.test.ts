import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { core } from './core.ts'
import { runEpisode } from './episode.ts'
import { mutants } from './mutants.ts'
import { keepProgress, readProgress } from './progress.ts'
import { rollDice } from './dice.ts'
import { createScheduler } from './scheduler.ts'

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

test('what a crash catches between two awaits never goes on', async () => {
  const scheduler = createScheduler(rollDice(1), 0)
  const [dead, alive] = [{ name: 'dead' }, { name: 'alive' }]
  const wentOn: string[] = []
  const work = async (owner: { readonly name: string }): Promise<void> => {
    await Promise.resolve()
    scheduler.later(owner, () => wentOn.push(`${owner.name} by its timer`), 1)
    await scheduler.park(owner)
    wentOn.push(owner.name)
  }
  void work(dead)
  void work(alive)
  scheduler.drop(dead)
  await scheduler.advance(1)
  while (scheduler.waiting() > 0) await scheduler.resume()
  expect(wentOn).toEqual(['alive'])
})

test('seed 20008419: a request of a crashed node isn’t answered while its program asks elsewhere', async () => {
  const { violation } = await runEpisode(20_008_419, { steps: 8_000 })
  expect(violation).toBeUndefined()
})

describe('a long run', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'gatehouse-simulation-')), 'progress.json')
  afterAll(() => rmSync(join(file, '..'), { recursive: true }))

  test('begins where there is no file, goes on where it was, and never with another run’s', () => {
    const begun = { from: 7, episodes: 0, steps: 0, seconds: 0, failed: [] }
    expect(readProgress(file, 7)).toEqual(begun)
    keepProgress(file, { ...begun, episodes: 2, steps: 20_000, failed: [8] })
    expect(readProgress(file, 7)).toMatchObject({ episodes: 2, failed: [8] })
    expect(() => readProgress(file, 8)).toThrow(/of a run from seed 7/)
    expect(() => readProgress(file, 7, 'vault')).toThrow(/of a run of the core/)
  })
})
