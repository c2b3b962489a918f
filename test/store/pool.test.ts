import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
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
  afterEach(() => void vi.useRealTimers())

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

  test('opens no more than are wanted just now', async () => {
    const { connect, made } = server()
    const pool = poolOver(connect)
    for (let turn = 0; turn < 3; turn += 1) await pool.use(async () => undefined)
    expect(made()).toBe(1)
    await pool.close()
  })

  test('gives nobody a connection that broke while it idled, nor one of those that were dropped', async () => {
    const { connect, made, open } = server()
    const pool = poolOver(connect)
    const kept = await pool.use(async (connection) => connection)
    ;(kept as Awaited<ReturnType<typeof connect>>).break()
    expect(await pool.use(async (connection) => connection)).not.toBe(kept)
    expect([made(), open()]).toEqual([2, 1])
    await Promise.all([pool.use(() => pause(2)), pool.use(() => pause(2))])
    expect(open()).toBe(2)
    pool.dropIdle()
    expect(open()).toBe(0)
    await pool.use(async () => undefined)
    await pool.close()
  })

  test('opens another one for who waits when the one that he waited for broke, even if it won’t close', async () => {
    const { connect, made } = server()
    const pool = poolOver(
      async () => ({ ...(await connect()), close: () => Promise.reject(new Error('ECONNRESET')) }),
      1,
    )
    const first = pool.use(async (connection) => {
      await pause(5)
      ;(connection as Awaited<ReturnType<typeof connect>>).break()
    })
    expect(await pool.use(async () => 'served')).toBe('served')
    await first
    expect(made()).toBe(2)
    await pool.close()
  })

  test('refuses at once when ten thousand wait already', async () => {
    const pool = poolOver(server().connect, 1)
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = pool.use(() => promise)
    await pause(5)
    const waiting = Array.from({ length: 10_000 }, () => pool.use(async () => undefined))
    await expect(pool.use(async () => undefined)).rejects.toThrow(/too many wait/)
    resolve()
    await Promise.all([first, ...waiting])
    await pool.close()
  })

  test('asks by one scout until a server is back, then for as many as are wanted', async () => {
    const { connect } = server()
    const { promise, resolve } = Promise.withResolvers<void>()
    let asked = 0
    const pool = poolOver(async () => {
      asked += 1
      if (asked <= 3) throw new Error('starting')
      await promise
      return connect()
    })
    const held = Promise.withResolvers<void>()
    const served = [1, 2, 3].map(() => pool.use(() => held.promise))
    await expect.poll(() => asked).toBe(4)
    await pause(20)
    expect(asked).toBe(4)
    resolve()
    // The second and the third connection, while the scout's is in use.
    await expect.poll(() => asked).toBe(6)
    // What failed before isn't why somebody waits now.
    await expect(pool.use(async () => undefined)).rejects.toThrow(/all connections are busy/)
    held.resolve()
    await Promise.all(served)
    await pool.close()
  })

  test('pauses twice as long after each failure, up to 400 ms, by half of it as chance has it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const attempts: number[] = []
    const pool = createPool({
      connect: () => {
        attempts.push(performance.now())
        return Promise.reject(new Error('ECONNREFUSED'))
      },
      most: 1,
      clock,
      random: { stamp: () => 'x'.repeat(attempts.length) },
    })
    const waiting: Promise<unknown>[] = []
    for (let turn = 0; turn < 60; turn += 1) {
      waiting.push(pool.use(async () => undefined).catch(String))
      await vi.advanceTimersByTimeAsync(50)
    }
    await pool.close()
    await Promise.all(waiting)
    const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0))
    expect(pauses.length).toBeGreaterThan(6)
    const shares = pauses.map((millis, index) => millis / Math.min(400, 20 * 2 ** (index + 1)))
    // Timers count whole milliseconds.
    for (const share of shares) expect([share > 0.49, share < 1.03]).toEqual([true, true])
    expect(new Set(shares.map((share) => share.toFixed(1))).size).toBeGreaterThan(1)
  })

  test('that is closed turns away who waits, and waits for who is at work', async () => {
    const { connect, open } = server()
    const pool = poolOver(connect, 1)
    const { promise, resolve } = Promise.withResolvers<void>()
    const working = pool.use(() => promise)
    const waiting = pool.use(async () => undefined)
    await pause(5)
    let closed = false
    const closing = pool.close().then(() => (closed = true))
    await expect(waiting).rejects.toThrow(/the store is closed/)
    await pause(5)
    expect([closed, open()]).toEqual([false, 1])
    resolve()
    await Promise.all([working, closing])
    expect(open()).toBe(0)
  })

  test('that is closed while a connection is being made waits for its end, however that comes', async () => {
    for (const end of ['made', 'refused']) {
      const { connect, open } = server()
      const { promise, resolve } = Promise.withResolvers<void>()
      const pool = poolOver(async () => {
        await promise
        if (end === 'refused') throw new Error('ECONNREFUSED')
        return connect()
      })
      const waiting = pool.use(async () => undefined)
      const closing = pool.close()
      await expect(waiting).rejects.toThrow(/the store is closed/)
      resolve()
      await closing
      expect(open()).toBe(0)
    }
  })
})
