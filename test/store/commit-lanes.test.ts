import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { AttemptFailed } from '../../src/store/sql/attempt-failed.ts'
import { createCommitLanes } from '../../src/store/sql/commit-lanes.ts'
import type { Outcome } from '../../src/store/sql/judge.ts'
import { toUnit, type Unit } from '../../src/store/sql/unit.ts'
import { countingStamps, event, putLease } from '../../src/store/suite/samples.ts'

const clock = { monotonic: () => performance.now() }

function lanesOver(attempt: (units: readonly Unit[]) => Promise<readonly Outcome[]>, lanes = 2) {
  const { commit, drain } = createCommitLanes({ attempt, lanes, clock, random: countingStamps() })
  const commitAll = (...ids: readonly string[]) => commit(toUnit(ids.map((id) => putLease(id, 'x', id))))
  return { drain, commitAll, commit: (id: string) => commitAll(id) }
}

const idsOf = (units: readonly Unit[]): readonly string[] => units.flatMap((unit) => unit.map(({ id }) => id))
const allWell = (units: readonly Unit[]): readonly Outcome[] => units.map(() => 'committed')

describe('commits on their way to a server', () => {
  test('that arrive together share a round trip, and what arrives meanwhile shares the next', async () => {
    const batches: (readonly string[])[] = []
    const { commit, drain } = lanesOver(async (units) => {
      batches.push(idsOf(units))
      await pause(20)
      return allWell(units)
    }, 1)
    const first = [commit('a'), commit('b')]
    await pause(5)
    const second = [commit('c'), commit('d'), commit('e')]
    await Promise.all([...first, ...second])
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ])
    await drain()
  })

  test('FLT-14: of a batch that a slow server gave up nobody waits until each of the others was given up too', async () => {
    let millis = 0
    let attempts = 0
    const { commit, drain } = createCommitLanes({
      attempt: async () => {
        attempts += 1
        millis += 2_000
        throw new AttemptFailed('the statement took too long', 'slow')
      },
      lanes: 1,
      clock: { monotonic: () => millis },
      random: countingStamps(),
    })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => commit(toUnit([putLease(`l-${index}`, 'x', 'v')]))),
    )
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']))
    expect(attempts).toBe(2)
    await drain()
  })

  test('never have the same record in two lanes at once, and keep their order there', async () => {
    const inside = new Set<string>()
    const order: string[] = []
    const { commit, drain } = lanesOver(async (units) => {
      for (const id of new Set(idsOf(units))) {
        expect(inside.has(id)).toBe(false)
        inside.add(id)
        order.push(id)
      }
      await pause(10)
      for (const id of idsOf(units)) inside.delete(id)
      return allWell(units)
    })
    const waiting: Promise<Outcome>[] = []
    for (const id of ['a', 'b', 'a', 'c', 'a']) {
      waiting.push(commit(id))
      await pause(2)
    }
    await Promise.all(waiting)
    expect(order.filter((id) => id === 'a').length).toBeGreaterThan(1)
    await drain()
  })

  test('are tried again when others were in the way', async () => {
    let tried = 0
    const { commit, drain } = lanesOver(async (units) => {
      tried += 1
      if (tried < 4) throw new AttemptFailed('deadlock', 'again')
      return allWell(units)
    })
    expect(await commit('a')).toBe('committed')
    expect(tried).toBe(4)
    await drain()
  })

  test('do not suffer from one among them that cannot be', async () => {
    const { commit, drain } = lanesOver(async (units) => {
      if (idsOf(units).includes('bad')) throw new AttemptFailed('too long', 'alone')
      return allWell(units)
    })
    const outcomes = await Promise.allSettled([commit('a'), commit('bad'), commit('b')])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { name: 'StoreUnavailable', outcome: 'none', ofOne: true } })
    await drain()
  })

  test('whose answer was lost are unknown, and never tried again here', async () => {
    let tried = 0
    const { commit, drain } = lanesOver(async () => {
      tried += 1
      throw tried === 1 ? new AttemptFailed('cut', 'unknown') : new TypeError('a bug')
    })
    await expect(commit('a')).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'unknown' })
    await expect(commit('b')).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'unknown' })
    expect(tried).toBe(2)
    await drain()
  })

  test('wait a second for their turn, and are refused then', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { commit, drain } = lanesOver(async (units) => {
      await promise
      return allWell(units)
    }, 1)
    const first = commit('a')
    await pause(5)
    const since = performance.now()
    await expect(commit('b')).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none' })
    expect(performance.now() - since).toBeGreaterThan(900)
    expect(performance.now() - since).toBeLessThan(5_000)
    resolve()
    expect(await first).toBe('committed')
    await drain()
  })

  test('that waited behind one that is refused so go on at once', async () => {
    let millis = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const { commit, drain } = createCommitLanes({
      attempt: async (units) => {
        if (idsOf(units).includes('a')) await promise
        return allWell(units)
      },
      lanes: 2,
      clock: { monotonic: () => millis },
      random: countingStamps(),
    })
    const put = (id: string) => putLease(id, 'x', id)
    const first = commit(toUnit([put('a')]))
    await pause(5)
    const refused = commit(toUnit([put('a'), put('b')]))
    millis = 900
    const behind = commit(toUnit([put('b')]))
    await pause(5)
    millis = 1_100
    await expect(refused).rejects.toThrow(/too slow/)
    // The other lane is still at work.
    expect(await behind).toBe('committed')
    resolve()
    await first
    await drain()
  })

  test('give up within seconds when it never goes better', async () => {
    const { commit, drain } = lanesOver(async () => {
      throw new AttemptFailed('deadlock', 'again')
    })
    const since = performance.now()
    await expect(commit('a')).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none' })
    expect(performance.now() - since).toBeLessThan(10_000)
    await drain()
  })

  test('are taken 256 at a time, which bounds what one batch locks', async () => {
    const sizes: number[] = []
    const { commit, drain } = lanesOver(async (units) => {
      sizes.push(units.length)
      return allWell(units)
    }, 1)
    await Promise.all(Array.from({ length: 300 }, (_, index) => commit(`l-${index}`)))
    expect(sizes).toEqual([256, 44])
    await drain()
  })

  test('keep their order also behind one that waits for a record in another lane', async () => {
    const order: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const { commit, commitAll, drain } = lanesOver(async (units) => {
      const ids = idsOf(units)
      order.push(ids.join())
      if (ids.includes('a') && order.length === 1) await promise
      return allWell(units)
    })
    const first = commit('a')
    await pause(5)
    const rest = [commitAll('a', 'b'), commit('b'), commit('c')]
    await rest[2]
    resolve()
    await Promise.all([first, ...rest])
    expect(order).toEqual(['a', 'c', 'a,b,b'])
    await drain()
  })

  test('that met others are tried together again before anybody is tried alone', async () => {
    const batches: (readonly string[])[] = []
    const { commit, drain } = lanesOver(async (units) => {
      batches.push(idsOf(units))
      if (batches.length === 1) throw new AttemptFailed('deadlock', 'again')
      return allWell(units)
    })
    await Promise.all([commit('a'), commit('b')])
    expect(batches).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
    await drain()
  })

  test('FLT-13: are refused at once when ten thousand wait already', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { commit, drain } = createCommitLanes({
      attempt: async (units) => {
        await promise
        return allWell(units)
      },
      lanes: 1,
      clock: { monotonic: () => 0 },
      random: countingStamps(),
    })
    const unit = toUnit([putLease('a', 'x', 'v1')])
    const first = commit(unit)
    await pause(5)
    const waiting = Array.from({ length: 10_000 }, () => commit(unit))
    await expect(commit(unit)).rejects.toThrow(/too many commits are waiting/)
    resolve()
    expect(new Set(await Promise.all([first, ...waiting]))).toEqual(new Set(['committed']))
    await drain()
  })

  test.each([
    ['waits for its turn', 0],
    ['is on its way', 5],
  ])('are refused once the store is being closed, while what %s comes to its end', async (_, millis) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { commit, drain } = lanesOver(async (units) => {
      await promise
      return allWell(units)
    }, 1)
    const first = commit('a')
    if (millis > 0) await pause(millis)
    let drained = false
    const draining = drain().then(() => (drained = true))
    await expect(commit('b')).rejects.toMatchObject({ outcome: 'none', message: /the store is closed/ })
    await pause(10)
    expect(drained).toBe(false)
    resolve()
    expect(await first).toBe('committed')
    await draining
  })

  test('FLT-14: who wants a record that another one could not have is not tried, and nobody twice whom nothing helps', async () => {
    const tried: (readonly string[])[] = []
    const { commit, drain } = lanesOver(async (units) => {
      tried.push(idsOf(units))
      if (idsOf(units).includes('hot')) throw new AttemptFailed('somebody keeps a lock', 'alone')
      return allWell(units)
    })
    const outcomes = await Promise.allSettled([commit('hot'), commit('hot'), commit('cold')])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(tried).toEqual([['hot', 'hot', 'cold'], ['hot'], ['cold']])
    await drain()
  })

  test('are not sent again to a server that can not', async () => {
    let tried = 0
    const { commit, drain } = lanesOver(async () => {
      tried += 1
      throw new AttemptFailed('the disk is full', 'none')
    })
    await expect(commit('a')).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none', ofOne: false })
    expect(tried).toBe(1)
    await drain()
  })

  test('of which the server said nothing are unknown', async () => {
    const { commit, drain } = lanesOver(async (units) => allWell(units).slice(1))
    const outcomes = await Promise.allSettled([commit('a'), commit('b')])
    expect(outcomes).toMatchObject([{ value: 'committed' }, { reason: { outcome: 'unknown' } }])
    await drain()
  })

  test('are text when they are taken on: nobody changes them while they wait', () => {
    const write = event('e')
    const [operation] = toUnit([write])
    Object.assign(write.event, { type: 'changed' })
    expect(operation).toMatchObject({ json: JSON.stringify(event('e').event) })
  })
})
