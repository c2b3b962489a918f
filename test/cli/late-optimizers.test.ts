import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const late = new URL('../../src/cli/late-optimizers.ts', import.meta.url).href

/** Says of a function, each time after it has run hot, whether it was optimized. */
const script = `
  import { holdOptimizers, letOptimize } from ${JSON.stringify(late)}
  const optimizedOrMaglevved = 1 << 4 | 1 << 5
  const runHot = () => {
    const add = new Function('a', 'b', 'return a * 3 + b')
    const statusOf = new Function('f', 'return (%GetOptimizationStatus(f) & ' + optimizedOrMaglevved + ') !== 0')
    let sum = 0
    for (const until = performance.now() + 300; performance.now() < until;) {
      for (let count = 0; count < 10_000; count += 1) sum = add(sum, count) % 1_000
    }
    return statusOf(add)
  }
  holdOptimizers()
  const held = runHot()
  letOptimize()
  console.log(JSON.stringify([held, runHot()]))
`

// V8 reads most flags of its compilers before the first line of ours runs; this fails where it no longer heeds these.
test('nothing is optimized until there are requests, and then it is', async () => {
  const flags = ['--allow-natives-syntax', '--no-concurrent-recompilation', '--input-type=module']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', script])
  expect(JSON.parse(stdout)).toEqual([false, true])
})
