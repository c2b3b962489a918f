import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createPool, type Pooled } from '../../src/store/sql/pool.ts'
import { countingStamps } from '../../src/store/suite/samples.ts'

const clock = { monotonic: () => performance.now() }

function poolOver(connect: () => Promise<Pooled>, most = 3) {
  return createPool({ connect, most, clock, random: countingStamps() })
}

function server() {
  let open = 0
  let most = 0
  let made = 0
  return {
    most: () => most,
    made: () => made,
    open: () => open,
    connect: async (): Promise<Pooled & { broken: () => boolean; break: () => void }> => {
      open += 1
      made += 1
      most = Math.max(most, open)
      let broken = false
      return {
        broken: () => broken,
        break: () => (broken = true),
        close: () => void (open -= 1),
      }
    },
  }
}

describe('FLT-13: a pool of connections', () => {
  test('never opens more than its share, and serves everybody in turn', async () => {
    const { connect, most, open } = server()
    const pool = poolOver(connect)
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => pool.use(async () => (await pause(2), order.push(index)))),
    )
    expect(most()).toBe(3)
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index))
    await pool.close()
    expect(open()).toBe(0)
  })

  test('keeps nobody waiting for more than a second', async () => {
    const pool = poolOver(server().connect, 1)
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = pool.use(() => promise)
    const since = performance.now()
    await expect(pool.use(async () => undefined)).rejects.toMatchObject({ name: 'AttemptFailed', verdict: 'none' })
    expect(performance.now() - since).toBeLessThan(5_000)
    resolve()
    await first
    await pool.close()
  })

  test('asks a server that is gone ever less often, by one at a time', async () => {
    let asked = 0
    let together = 0
    const pool = poolOver(async () => {
      asked += 1
      together += 1
      await pause(1)
      expect((together -= 1)).toBeLessThanOrEqual(2)
      throw new Error('ECONNREFUSED')
    })
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => pool.use(async () => undefined)))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    // Without a pause it would be hundreds.
    expect(asked).toBeLessThan(15)
    await pool.close()
  })

  test('serves those who still wait when the server comes back', async () => {
    const { connect } = server()
    const upAt = performance.now() + 400
    const pool = poolOver(() => (performance.now() < upAt ? Promise.reject(new Error('starting')) : connect()))
    expect(await Promise.all([1, 2, 3, 4].map((one) => pool.use(async () => one)))).toEqual([1, 2, 3, 4])
    expect(performance.now() - upAt).toBeLessThan(2_000)
    await pool.close()
  })

  test('throws away what broke', async () => {
    const { connect, made, open } = server()
    const pool = poolOver(connect)
    await pool.use(async (connection) => (connection as Awaited<ReturnType<typeof connect>>).break())
    expect(open()).toBe(0)
    await pool.use(async () => undefined)
    expect(made()).toBe(2)
    await pool.close()
    await expect(pool.use(async () => undefined)).rejects.toThrow(/closed/)
  })
})
