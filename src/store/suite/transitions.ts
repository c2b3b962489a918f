import assert from 'node:assert/strict'
import { append, check, put, ref, remove, type Slot, type Write } from '../../domain/record.ts'
import { commitNew, transition, type TransitionContext } from '../transition.ts'
import type { Store } from '../port.ts'
import { createRecent } from '../recent.ts'
import { countingStamps, event, exists, holderOf, lease, putLease, start } from './samples.ts'
import type { Proofs } from './subject.ts'

/** The one shape of every change, on a real store. */
export const transitions: Proofs = {
  async 'a decision sees what is there and what is not'(open) {
    const { store } = await open()
    await store.commit([putLease('a', 'x', 'v1'), putLease('expired', 'x', 'v2', { expiresAt: start })])
    const refs = { a: lease('a'), none: lease('none'), expired: lease('expired') }
    const seen = await transition(contextOf(store), refs, (slots, now) => ({ writes: [], result: { slots, now } }))
    assert.deepEqual(seen, {
      slots: {
        a: { ...lease('a'), version: 'v1', value: { v: 1, holder: 'x' } },
        none: { ...lease('none'), version: null, value: undefined },
        // Absent to the decision, yet a put may replace it.
        expired: { ...lease('expired'), version: 'v2', value: undefined },
      },
      now: start,
    })
  },

  async 'an expired record can be replaced, one that is alive cannot'(open) {
    const { store } = await open()
    const once = ref('once', 'jti')
    await store.commit([
      { op: 'put', ...once, expect: null, value: { v: 1 }, expiresAt: start, owners: [], version: 'v1' },
    ])
    const use = (now: number) =>
      transition(contextOf(store, now), { once }, (slots) =>
        slots.once.value === undefined
          ? { writes: [put(slots.once, { v: 1 }, { expiresAt: now + 10, owners: [] })], result: true }
          : { writes: [], result: false },
      )
    assert.equal(await use(start - 1), false)
    assert.equal(await use(start), true)
    assert.equal(await use(start), false)
  },

  async 'two hundred at once on one record add up'(open) {
    const { store } = await open()
    const context = contextOf(store)
    await store.commit([putLease('counter', '0', 'v0')])
    const add = () =>
      transition(context, { counter: lease('counter') }, ({ counter }) => {
        const next = String(Number(counter.value?.holder) + 1)
        return { writes: [put(counter, { v: 1, holder: next }, { expiresAt: null })], result: next }
      })
    // Twenty at a time, ten times: more would be refused as contended, as it should.
    const results: string[] = []
    for (let round = 0; round < 10; round += 1) results.push(...(await Promise.all(Array.from({ length: 20 }, add))))
    assert.equal(await holderOf(store, 'counter'), '200')
    assert.equal(new Set(results).size, 200)
  },

  async 'check and remove hold on to what was decided on'(open) {
    const { store } = await open()
    await store.commit([putLease('a', 'x', 'v1'), putLease('b', 'x', 'v2')])
    let runs = 0
    const result = await transition(
      contextOf(store),
      { a: lease('a'), b: lease('b'), none: lease('none') },
      (slots) => {
        runs += 1
        // Somebody moves the checked record while we decide.
        if (runs === 1) void store.commit([putLease('a', 'y', 'v3', { expect: 'v1' })])
        return { writes: [check(slots.a), ...remove(slots.b), ...remove(slots.none)], result: slots.a.value?.holder }
      },
    )
    assert.deepEqual([runs, result], [2, 'y'])
    assert.equal(await exists(store, lease('b')), false)
  },

  async 'what this process read or wrote before spares a transition its read'(open) {
    const { store } = await open()
    await store.commit([putLease('a', '1', 'v1')])
    const { context, reads } = remembering(store)
    const results = [await extend(context), await extend(context), await extend(context)]
    assert.deepEqual([results, reads()], [['1+', '1++', '1+++'], 1])
    // By now it is another's: decided on what is there, not on what was.
    const [mine] = await store.read([lease('a')])
    await store.commit([putLease('a', 'theirs', 'v2', { expect: mine?.version ?? null })])
    assert.deepEqual([await extend(context), reads()], ['theirs+', 2])
    assert.equal(await holderOf(store, 'a'), 'theirs+')
  },

  async 'a memory counts only where the commit compares it with what is stored'(open) {
    const { store } = await open()
    await store.commit([putLease('a', '1', 'v1')])
    const { context } = remembering(store)
    await extend(context)
    const [mine] = await store.read([lease('a')])
    await store.commit([putLease('a', 'theirs', 'v2', { expect: mine?.version ?? null })])
    const look = async (id: string, also: readonly Write[]) =>
      transition(context, { a: lease('a') }, ({ a }) => ({
        writes: also.length === 0 ? [] : [...also, append(id, event(id).event)],
        result: a.value?.holder,
      }))
    // Neither writing nothing nor writing something else verifies it.
    assert.equal(await look('e1', []), 'theirs')
    const [theirs] = await store.read([lease('a')])
    await store.commit([{ op: 'delete', kind: 'lease', id: 'a', expect: theirs?.version ?? '' }])
    assert.equal(await look('e2', [put(emptySlot('b'), { v: 1, holder: 'b' }, { expiresAt: null })]), undefined)
  },

  async 'new records and events need no read, and a second time is an error'(open) {
    const { store } = await open()
    const context = contextOf(store)
    await commitNew(context, [append('e1', event('e1').event)])
    await commitNew(context, [append('e2', event('e2').event), append('e3', event('e3').event)])
    assert((await store.read(['e1', 'e2', 'e3'].map((id) => ref('event', id)))).every((found) => found !== undefined))
    await assert.rejects(commitNew(context, [append('e1', event('e1').event)]), /already exists/)
  },
}

/** A context that remembers leases, and how often it has read. */
function remembering(store: Store): { readonly context: TransitionContext; readonly reads: () => number } {
  let reads = 0
  const counting = { ...store, read: (refs: Parameters<Store['read']>[0]) => ((reads += 1), store.read(refs)) }
  return { context: { ...contextOf(counting), recent: createRecent(['lease']) }, reads: () => reads }
}

function extend(context: TransitionContext): Promise<string> {
  return transition(context, { a: lease('a') }, ({ a }) => {
    const next = `${a.value?.holder}+`
    return { writes: [put(a, { v: 1, holder: next }, { expiresAt: null })], result: next }
  })
}

function emptySlot(id: string): Slot<'lease'> {
  return { ...lease(id), version: null, value: undefined }
}

function contextOf(store: Store, now: number = start): TransitionContext {
  return { store, clock: { seconds: () => now }, random: countingStamps(`t${now}`) }
}
