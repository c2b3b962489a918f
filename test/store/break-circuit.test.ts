import { describe, expect, test } from 'vitest'
import { breakCircuit } from '../../src/store/break-circuit.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { event, lease } from '../../src/store/suite/samples.ts'
import type { Store } from '../../src/store/port.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

/** A store behind its circuit that fails as the test says, by a clock that is the test's. */
function failing(error: () => Error = () => new StoreUnavailable('down', 'none')) {
  const time = { now: 0 }
  const state = { down: true, asked: 0 }
  const ask = async (): Promise<void> => {
    state.asked += 1
    if (state.down) throw error()
  }
  const { store } = openMemoryStore()
  const faulty: Store = {
    ...store,
    read: async (refs) => (await ask(), store.read(refs)),
    commit: async (writes) => (await ask(), store.commit(writes)),
  }
  const guarded = breakCircuit(faulty, { monotonic: () => time.now })
  let named = 0
  const commit = () => guarded.commit([event(`e-${(named += 1)}`)])
  return { state, time, commit, read: () => guarded.read([lease('a')]), sweep: () => guarded.sweep(0, 1) }
}

/** Failures for a second. */
async function fails({ time, commit }: ReturnType<typeof failing>): Promise<void> {
  for (let times = 0; times < 6; times += 1) {
    await expect(commit()).rejects.toThrow()
    time.now += 200
  }
}

describe('FLT-14: a store that answers nobody', () => {
  test('is asked by one now and then, and everybody else is refused at once', async () => {
    const store = failing()
    await fails(store)
    expect(store.state.asked).toBe(6)
    await Promise.all(Array.from({ length: 100 }, () => expect(store.commit()).rejects.toThrow(/for a while/)))
    expect(store.state.asked).toBe(6)
    store.time.now += 500
    await Promise.allSettled(Array.from({ length: 100 }, store.commit))
    expect(store.state.asked).toBe(7)
  })

  test('is there for everybody again with the first answer', async () => {
    const store = failing()
    await fails(store)
    store.state.down = false
    await expect(store.commit()).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none' })
    store.time.now += 500
    expect(await store.commit()).toBe('committed')
    expect(await Promise.all([store.commit(), store.commit()])).toEqual(['committed', 'committed'])
  })

  test('may still be read where it takes no writes, and the other way round', async () => {
    const store = failing()
    await fails(store)
    store.state.down = false
    expect(await store.read()).toEqual([undefined])
    await expect(store.commit()).rejects.toThrow(/for a while/)
    expect(await store.sweep()).toBe(0)
  })

  test.each([
    ['one record that somebody keeps', () => new StoreUnavailable('a lock', 'none', { ofOne: true })],
    ['what is broken here', () => new TypeError('a bug')],
  ])('isn’t what %s says of it', async (_, error) => {
    const store = failing(error)
    await fails(store)
    await fails(store)
    expect(store.state.asked).toBe(12)
    store.state.down = false
    expect(await store.commit()).toBe('committed')
  })
})
