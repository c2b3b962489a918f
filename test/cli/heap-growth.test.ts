import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const growth = new URL('../../src/cli/heap-growth.ts', import.meta.url).href

/** Leaves behind what lives through a collection or two, as requests do, and says how many megabytes their space took at most. */
const script = `
  import { getHeapSpaceStatistics } from 'node:v8'
  import { holdHeap, letHeapGrow } from ${JSON.stringify(growth)}
  const most = async (millis) => {
    let megabytes = 0
    let kept = []
    for (const until = performance.now() + millis; performance.now() < until;) {
      for (let count = 0; count < 5_000; count += 1) kept.push({ count, text: 'x' + count })
      if (kept.length > 100_000) kept = []
      const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
      megabytes = Math.max(megabytes, young.space_size / 1024 / 1024)
      // As a busy server: what leaves no time between two looks can grow several times between them.
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    return megabytes
  }
  holdHeap()
  const held = await most(200)
  letHeapGrow()
  await most(1_500)
  console.log(JSON.stringify([held, await most(200)]))
`

// V8 reads most flags of its heap before the first line of ours runs; this fails where it no longer heeds the one that we set.
test('the young heap stays as it begins until there are requests, and then grows as far as it helps', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const [held = 0, grown = 0] = JSON.parse(stdout) as number[]
  expect(held).toBeLessThan(6)
  expect(grown).toBeGreaterThanOrEqual(32)
  expect(grown).toBeLessThan(128)
})

/** Is as busy as it was told to be, and says how often all of the heap was collected. */
const startThen = (busy: boolean): string => `
  import { constants, PerformanceObserver } from 'node:perf_hooks'
  import { giveBackStart } from ${JSON.stringify(growth)}
  let collections = 0
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections += 1
    }
  }).observe({ entryTypes: ['gc'] })
  giveBackStart()
  const work = () => {
    for (const until = performance.now() + 10; performance.now() < until;);
  }
  const working = ${busy} ? setInterval(work, 20) : undefined
  setTimeout(() => {
    clearInterval(working)
    console.log(String(collections))
  }, 2_000)
`

async function collectionsWhen(busy: boolean): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', startThen(busy)])
  return Number(stdout)
}

test('what a start left behind is given back in the first quiet second, and not where there are requests already', async () => {
  // On a machine that is busy with something else a quiet second can look like a busy one.
  let quiet = 0
  for (let tries = 0; tries < 5 && quiet === 0; tries += 1) quiet = await collectionsWhen(false)
  expect(quiet).toBeGreaterThan(0)
  expect(await collectionsWhen(true)).toBe(0)
})
