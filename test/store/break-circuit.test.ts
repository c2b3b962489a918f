import { describe, expect, test } from 'vitest'
import { breakCircuit } from '../../src/store/break-circuit.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { event, lease, putLease } from '../../src/store/suite/samples.ts'
import type { Store } from '../../src/store/port.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

/** A store behind its circuit that fails as the test says, by a clock that is the test's. */
function failing(error: () => Error = () => new StoreUnavailable('down', 'none')) {
  const time = { now: 0 }
  const state: { down: boolean; asked: number; gone: string | undefined } = { down: true, asked: 0, gone: undefined }
  const ask = async (ids: readonly string[] = []): Promise<void> => {
    state.asked += 1
    if (state.down || ids.some((id) => id === state.gone)) throw error()
  }
  const { store } = openMemoryStore()
  const faulty: Store = {
    ...store,
    read: async (refs) => (await ask(refs.map(({ id }) => id)), store.read(refs)),
    list: async (kind, owner, page) => (await ask([owner]), store.list(kind, owner, page)),
    commit: async (writes) => {
      await ask(writes.flatMap((write) => [write.id, ...(write.op === 'put' ? (write.owners ?? []) : [])]))
      return store.commit(writes)
    },
  }
  const guarded = breakCircuit(faulty, { monotonic: () => time.now })
  let named = 0
  const commit = () => guarded.commit([event(`e-${(named += 1)}`)])
  return { state, time, guarded, commit, read: () => guarded.read([lease('a')]), sweep: () => guarded.sweep(0, 1) }
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

  test.each<readonly [string, string, (store: Store, id: string, turn: number) => Promise<unknown>]>([
    ['a record that is read', 'a', (store, id) => store.read([lease('x'), lease(id)])],
    ['a record that is written', 'a', (store, id) => store.commit([putLease(id, 'h', `v-${id}`)])],
    ['a list that is read', 'o', (store, id) => store.list('lease', id, { limit: 1 })],
    [
      'a list that grows',
      'o',
      (store, id, turn) => store.commit([putLease(`of-${turn}`, 'h', `v-of-${turn}`, { owners: ['all', id] })]),
    ],
  ])('isn’t taken for gone where %s alone is', async (_, gone, asks) => {
    const { state, time, guarded } = failing()
    let turn = 0
    const ask = (store: Store, id: string) => asks(store, id, (turn += 1))
    Object.assign(state, { down: false, gone })
    for (let times = 0; times < 5; times += 1) {
      await expect(ask(guarded, gone)).rejects.toThrow('down')
      time.now += 250
      await ask(guarded, `other-${times}`)
    }
    const { asked } = state
    await expect(ask(guarded, gone)).rejects.toThrow(/for a while/)
    expect(state.asked).toBe(asked)
    await ask(guarded, 'another')
    state.gone = undefined
    time.now += 500
    await ask(guarded, gone)
    await ask(guarded, gone)
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
