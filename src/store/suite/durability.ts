import assert from 'node:assert/strict'
import { ref } from '../../domain/record.ts'
import { appears, event, exists, holderOf, lease, listAll, putLease, start } from './samples.ts'
import type { Proofs } from './subject.ts'

/** What holds when a storage is opened twice, or again. */
export const durability: Proofs = {
  async 'an answer means that everybody sees it'(open, { eventsTravel = false }) {
    const [ours, theirs] = [await open(), await open()]
    for (let round = 0; round < 50; round += 1) {
      await ours.store.commit([putLease(`a-${round}`, 'x', `v${round}`), event(`e-${round}`)])
      const [found, told] = await theirs.store.read([lease(`a-${round}`), ref('event', `e-${round}`)])
      assert(found !== undefined)
      assert(told !== undefined || (eventsTravel && (await appears(theirs.store, ref('event', `e-${round}`)))))
    }
  },

  async 'two that commit at once see one order'(open, { eventsTravel = false }) {
    const stores = [(await open()).store, (await open()).store, (await open()).store]
    const [first] = stores
    assert(first !== undefined)
    let version = 'v0'
    await first.commit([putLease('a', '0', version)])
    for (let round = 0; round < 30; round += 1) {
      const stamp = (index: number) => `v-${round}-${index}`
      const outcomes = await Promise.all(
        stores.map((store, index) =>
          store.commit([putLease('a', stamp(index), stamp(index), { expect: version }), event(`e-${round}-${index}`)]),
        ),
      )
      assert.deepEqual(outcomes.toSorted(), ['committed', 'conflict', 'conflict'])
      const winner = outcomes.indexOf('committed')
      version = stamp(winner)
      for (const store of stores) assert.equal(await holderOf(store, 'a'), version)
      if (eventsTravel) assert(await appears(first, ref('event', `e-${round}-${winner}`)))
      for (const index of stores.keys()) {
        assert.equal(await exists(first, ref('event', `e-${round}-${index}`)), index === winner)
      }
    }
  },

  async 'what was answered is there after opening again'(open) {
    const first = await open()
    await first.store.commit([putLease('a', 'x', 'v1', { owners: ['o'], expiresAt: start }), event('e')])
    await first.store.commit([putLease('a', 'y', 'v2', { expect: 'v1', expiresAt: start + 1 })])
    await first.admin.close()
    const second = await open()
    assert.deepEqual(await second.store.read([lease('a')]), [
      { ...lease('a'), version: 'v2', value: { v: 1, holder: 'y' }, expiresAt: start + 1 },
    ])
    assert.deepEqual(await listAll(second.store, 'o', 9), ['a'])
    assert.equal(await second.store.commit([event('e')]), 'conflict')
    assert.deepEqual(await second.admin.verify(), [])
  },
}
