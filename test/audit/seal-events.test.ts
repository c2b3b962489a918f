import fc from 'fast-check'
import { expect, test } from 'vitest'
import { append, ref } from '../../src/domain/record.ts'
import { emptyChain, extendChain, sealId } from '../../src/domain/seal.ts'
import { sealStep } from '../../src/audit/seal-events.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { openChronicle } from './chain.ts'

const eventTtl = 400 * 86_400

test('INV9: every event is bound once it has settled, in batches, and the chain proves itself', async () => {
  const chronicle = await openChronicle()
  await chronicle.happen(1000)
  expect(await chronicle.sealAll()).toBe(0)
  // Who drew an id by a clock that is a minute behind may still commit it.
  chronicle.advance(80)
  expect(await chronicle.sealAll()).toBe(0)
  chronicle.advance(20)
  expect(await chronicle.sealAll()).toBeGreaterThan(2)
  await chronicle.happen(5)
  expect(await chronicle.verify()).toMatchObject({ bad: 0, events: 1006, unsealed: 5, late: 0 })
})

test('nothing happens where nothing happened: an idle server writes no seal', async () => {
  const chronicle = await openChronicle()
  chronicle.advance(100)
  expect(await chronicle.sealAll()).toBe(1)
  for (let hours = 0; hours < 30; hours += 1) {
    chronicle.advance(3600)
    expect(await chronicle.sealAll()).toBe(0)
  }
})

test('one node seals at a time, and another goes on when that one is silent', async () => {
  const chronicle = await openChronicle()
  await chronicle.happen(3)
  chronicle.advance(100)
  expect((await sealStep(chronicle.node('one'))).is).toBe('sealed')
  await chronicle.happen(3)
  chronicle.advance(30)
  expect((await sealStep(chronicle.node('two'))).is).toBe('elsewhere')
  chronicle.advance(100)
  expect((await sealStep(chronicle.node('two'))).is).toBe('sealed')
  expect(await chronicle.verify()).toMatchObject({ bad: 0, seals: 2, unsealed: 0 })
})

test('a node that slept in the middle of a step is refused when it wakes', async () => {
  const opened = openMemoryStore()
  const chronicle = await openChronicle(opened)
  await chronicle.happen(50)
  chronicle.advance(100)
  let fallAsleep: (() => Promise<void>) | undefined = async () => {
    fallAsleep = undefined
    chronicle.advance(100)
    expect((await sealStep(chronicle.node('two'))).is).toBe('sealed')
  }
  const { transition, ...rest } = chronicle.node('one')
  const store = {
    ...opened.store,
    list: async (...asked: Parameters<typeof opened.store.list>) => {
      const page = await opened.store.list(...asked)
      await fallAsleep?.()
      return page
    },
  }
  expect((await sealStep({ ...rest, transition: { ...transition, store } })).is).toBe('elsewhere')
  expect(await chronicle.verify()).toMatchObject({ bad: 0, seals: 1, unsealed: 0 })
})

test('a crash at any step, before or after its commit, and lost answers leave a whole chain', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          fault: fc.constantFrom('none', 'before', 'after'),
          node: fc.constantFrom('one', 'two'),
          more: fc.nat(40),
          wait: fc.nat(120),
        }),
        { minLength: 5, maxLength: 25 },
      ),
      async (steps) => {
        const opened = openMemoryStore()
        const chronicle = await openChronicle(opened)
        for (const { fault, node, more, wait } of steps) {
          await chronicle.happen(more)
          chronicle.advance(wait)
          const { transition, ...rest } = chronicle.node(node)
          const store = crashing(opened, fault)
          await sealStep({ ...rest, transition: { ...transition, store } }).catch((error: unknown) => {
            expect(error).toBeInstanceOf(StoreUnavailable)
          })
        }
        chronicle.advance(200)
        await chronicle.sealAll()
        expect(await chronicle.verify()).toMatchObject({ bad: 0, unsealed: 0, late: 0 })
      },
    ),
    { numRuns: 40 },
  )
})

/** Dies at its commit: nothing works afterwards. */
function crashing({ store }: OpenStore, fault: string): OpenStore['store'] {
  const dead = new StoreUnavailable('the process is dead', 'unknown')
  let alive = true
  return {
    ...store,
    read: async (refs) => (alive ? store.read(refs) : Promise.reject(dead)),
    commit: async (writes) => {
      if (fault === 'none') return store.commit(writes)
      if (fault === 'after' && alive) await store.commit(writes)
      alive = false
      throw dead
    },
  }
}

test('what came to light late is bound by a late seal; until then it is named', async () => {
  const chronicle = await openChronicle()
  await chronicle.happen(600)
  chronicle.advance(400)
  await chronicle.happen(600)
  chronicle.advance(100)
  await chronicle.sealAll()
  const late = await chronicle.happen(500, 300)
  const before = await chronicle.verify()
  expect(before.bad).toBe(500)
  expect(before.findings[0]).toContain(late[0])
  chronicle.advance(9 * 3600)
  expect(await chronicle.sealAll()).toBeGreaterThan(1)
  expect(await chronicle.verify()).toMatchObject({ bad: 0, late: 500, unsealed: 0 })
})

test('retention: what has expired goes with its seals, and the rest still proves itself', async () => {
  const chronicle = await openChronicle()
  for (let day = 0; day < 30; day += 1) {
    await chronicle.happen(40)
    chronicle.advance(86_400)
    await chronicle.sealAll()
  }
  const { store } = chronicle.opened
  chronicle.advance(eventTtl - 10 * 86_400)
  while ((await store.sweep(chronicle.clock.seconds(), 1000)) > 0);
  const kept = await chronicle.verify()
  expect(kept).toMatchObject({ bad: 0, late: 0 })
  expect(kept.beginsAt).toBeGreaterThan(10)
  expect(kept.events).toBeLessThan(500)
  // The last one that expired is still known by its hash.
  const noted = { number: (kept.beginsAt ?? 0) - 1, hash: 'another' }
  expect((await chronicle.verify({ noted })).findings).toEqual([expect.stringContaining('was noted')])
  // What was removed before its time is not covered by that.
  const id = sealId(kept.beginsAt ?? 0)
  const [seal, bound] = await store.read([ref('seal', id), ref('bound', id)])
  await store.commit([
    { op: 'delete', ...ref('seal', id), expect: seal?.version ?? '' },
    { op: 'delete', ...ref('bound', id), expect: bound?.version ?? '' },
  ])
  expect((await chronicle.verify()).findings[0]).toMatch(/the seals before seal \d+ are missing/)
})

test('an event that was put in between is named, and so is one that claims to be long expired', async () => {
  const chronicle = await openChronicle()
  await chronicle.happen(10)
  chronicle.advance(5)
  await chronicle.happen(10)
  chronicle.advance(100)
  await chronicle.sealAll()
  const id = `${(chronicle.clock.millis() - 103_000).toString(16).padStart(12, '0')}forged`
  await chronicle.opened.store.commit([append(id, { v: 1, type: 'consent.given', at: 5 }) as never])
  expect((await chronicle.verify()).findings).toEqual([expect.stringContaining(id)])
})

test('a head that was moved by a second look alone is moved as well', () => {
  const from = { ...emptyChain('genesis'), number: 9 }
  const slot = { kind: 'chain', id: 'events', version: 'v', value: { ...from, checked: 7 } } as const
  const moved = { from, holder: 'one', heldUntil: 1, checked: 5, checkedThrough: '' }
  expect(extendChain(slot, moved)).toEqual({ writes: [], result: 'overtaken' })
  expect(extendChain({ ...slot, value: { ...from, hash: 'another' } }, moved).result).toBe('overtaken')
  expect(extendChain({ ...slot, value: from }, moved).result).toBe('extended')
})
