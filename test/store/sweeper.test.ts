import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { countingStamps, start } from '../../src/store/suite/samples.ts'
import { startSweeper } from '../../src/store/sweeper.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A sweeper of a store that sweeps what the test says. */
function sweeping(
  options: { readonly results?: readonly (number | Error)[]; readonly highWater?: () => number | undefined } = {},
) {
  const time = { millis: start * 1000, monotonic: 5_000 }
  const results = [...(options.results ?? [])]
  const swept: { readonly now: number; readonly limit: number; readonly at: number }[] = []
  const errors: unknown[] = []
  const pauses: string[] = []
  const sweeper = startSweeper({
    store: {
      async sweep(now, limit) {
        swept.push({ now, limit, at: time.monotonic })
        const result = results.shift() ?? 0
        if (result instanceof Error) throw result
        return result
      },
    },
    clock: {
      millis: () => time.millis,
      seconds: () => Math.floor(time.millis / 1000),
      monotonic: () => time.monotonic,
    },
    random: countingStamps(),
    highWater: options.highWater ?? (() => undefined),
    onError: (error) => void errors.push(error),
    onPaused: (reason) => void pauses.push(reason),
    everyMillis: 1_000,
  })
  const pass = async (millis: number): Promise<void> => {
    for (let passed = 0; passed < millis; passed += 10) {
      time.millis += 10
      time.monotonic += 10
      await vi.advanceTimersByTimeAsync(10)
    }
  }
  return { ...sweeper, time, swept, errors, pauses, pass }
}

describe('the sweeper', () => {
  test('sweeps by itself, bounded, about once per period and never in step', async () => {
    const { swept, pass, stop } = sweeping()
    await pass(20_000)
    expect(swept.length).toBeGreaterThan(12)
    expect(swept.length).toBeLessThan(30)
    expect(swept.every(({ limit }) => limit === 5_000)).toBe(true)
    expect(swept[0]?.now).toBe(Math.floor(start + ((swept[0]?.at ?? 0) - 5_000) / 1000))
    const gaps = swept.slice(1).map(({ at }, index) => at - (swept[index]?.at ?? 0))
    expect(new Set(gaps).size).toBeGreaterThan(3)
    await stop()
  })

  test('hurries while there is more than one sweep may take', async () => {
    const { swept, pass, stop } = sweeping({ results: [5_000, 5_000, 5_000, 4_999] })
    await pass(1_600)
    expect(swept.length).toBeGreaterThanOrEqual(4)
    await stop()
  })

  test('goes on after an error, and tells it', async () => {
    const { swept, errors, pass, stop } = sweeping({ results: [new Error('disk'), 3] })
    await pass(4_000)
    expect(errors).toEqual([new Error('disk')])
    expect(swept.length).toBeGreaterThan(1)
    await stop()
  })

  test.each([
    ['forward', 61],
    ['back', -61],
  ])('pauses when the clock jumps %s, and goes on when it is right again', async (_, seconds) => {
    const { swept, pauses, paused, time, pass, stop } = sweeping()
    time.millis += seconds * 1000
    await pass(5_000)
    expect(swept).toEqual([])
    expect(pauses.length).toBeGreaterThan(2)
    expect(paused()).toBe(`the clock jumped by ${seconds} s since the start`)
    time.millis -= seconds * 1000
    await pass(5_000)
    expect(paused()).toBeUndefined()
    expect(swept.length).toBeGreaterThan(0)
    await stop()
  })

  test('bears a clock that is corrected a little', async () => {
    const { swept, time, pass, stop } = sweeping()
    time.millis += 59_000
    await pass(5_000)
    expect(swept.length).toBeGreaterThan(0)
    await stop()
  })

  test.each([-61, 62])('pauses while the high-water mark is %d s off', async (seconds) => {
    let highWater: number | undefined = start + seconds
    const { swept, paused, pass, stop } = sweeping({ highWater: () => highWater })
    await pass(900)
    expect(swept).toEqual([])
    expect(paused()).toMatch(/high-water mark/)
    highWater = start
    await pass(5_000)
    expect(swept.length).toBeGreaterThan(0)
    await stop()
  })

  test('stops: waits for the sweep under way, and begins no other', async () => {
    let finish: (swept: number) => void = () => {}
    let sweeps = 0
    const sweeper = startSweeper({
      store: {
        sweep() {
          sweeps += 1
          return new Promise((resolve) => (finish = resolve))
        },
      },
      clock: { millis: () => 0, seconds: () => 0, monotonic: () => 0 },
      random: countingStamps(),
      highWater: () => undefined,
      onError: () => {},
      everyMillis: 100,
    })
    await vi.advanceTimersByTimeAsync(200)
    expect(sweeps).toBe(1)
    let stopped = false
    const stopping = sweeper.stop().then(() => (stopped = true))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(stopped).toBe(false)
    finish(5_000)
    await stopping
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sweeps).toBe(1)
  })
})
