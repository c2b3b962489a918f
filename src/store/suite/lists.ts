import assert from 'node:assert/strict'
import { bucketOf, buckets } from '../../domain/bucket.ts'
import { commitInParts, event, exists, lease, listAll, putLease, start } from './samples.ts'
import { eventTtl, type Proofs } from './subject.ts'

/** Owners, pages, sweeps and scans. */
export const lists: Proofs = {
  async 'a page goes on after the last key, and every record comes exactly once'(open) {
    const { store } = await open()
    const ids = Array.from({ length: 23 }, (_, index) => `id-${String(index).padStart(2, '0')}`)
    await store.commit(ids.toReversed().map((id) => putLease(id, 'x', id, { owners: ['o'] })))
    for (const limit of [1, 2, 22, 23, 24, 100]) assert.deepEqual(await listAll(store, 'o', limit), ids)
    const last = await store.list('lease', 'o', { after: 'id-21', limit: 1 })
    assert.deepEqual([last.records.length, last.next], [1, null])
    assert.deepEqual(await store.list('lease', 'o', { after: 'id-22', limit: 1 }), { records: [], next: null })
    assert.deepEqual(await store.list('lease', 'nobody', { limit: 1 }), { records: [], next: null })
  },

  async 'a page may begin after a key that is not there'(open) {
    const { store } = await open()
    await store.commit(['a', 'c', 'e'].map((id) => putLease(id, 'x', id, { owners: ['o'] })))
    const page = await store.list('lease', 'o', { after: 'b', limit: 9 })
    assert.deepEqual(
      page.records.map(({ id }) => id),
      ['c', 'e'],
    )
  },

  async 'keys sort by their bytes'(open) {
    const { store } = await open()
    // U+FF61 has the smaller bytes, U+1D11E the smaller UTF-16 code units.
    const ids = ['-', '0', '10', '2', 'B', '_', 'a', 'a\u0000', 'a ', 'aa', 'é', '\uff61', '\u{1d11e}']
    await store.commit(ids.toReversed().map((id) => putLease(id, 'x', `v${id}`, { owners: ['o'] })))
    const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    assert.deepEqual(sorted, ids)
    assert.deepEqual(
      (await store.list('lease', 'o', { limit: 99 })).records.map(({ id }) => id),
      ids,
    )
    for (const [index, after] of ids.entries()) {
      const page = await store.list('lease', 'o', { after, limit: 99 })
      assert.deepEqual(
        page.records.map(({ id }) => id),
        ids.slice(index + 1),
      )
    }
  },

  async 'a record stands in the list of each of its owners, and of no one else'(open) {
    const { store } = await open()
    await store.commit([
      putLease('a', 'x', 'v1', { owners: ['user', 'client:c', 'user'] }),
      putLease('b', 'x', 'v2', { owners: ['user'] }),
      putLease('c', 'x', 'v3', { owners: [] }),
    ])
    assert.deepEqual(await listAll(store, 'user', 9), ['a', 'b'])
    assert.deepEqual(await listAll(store, 'client:c', 9), ['a'])
    assert.deepEqual(await listAll(store, 'client', 9), [])
    assert.deepEqual(await listAll(store, '', 9), [])
    assert.deepEqual((await store.list('once', 'user', { limit: 9 })).records, [])
  },

  async 'a put without owners leaves them, one with owners replaces them, a delete ends them'(open) {
    const { store } = await open()
    await store.commit([putLease('a', '1', 'v1', { owners: ['x', 'y'] })])
    await store.commit([putLease('a', '2', 'v2', { expect: 'v1' })])
    assert.deepEqual([await listAll(store, 'x', 9), await listAll(store, 'y', 9)], [['a'], ['a']])
    await store.commit([putLease('a', '3', 'v3', { expect: 'v2', owners: ['y', 'z'] })])
    assert.deepEqual(
      [await listAll(store, 'x', 9), await listAll(store, 'y', 9), await listAll(store, 'z', 9)],
      [[], ['a'], ['a']],
    )
    await store.commit([{ op: 'delete', ...lease('a'), expect: 'v3' }])
    assert.deepEqual([await listAll(store, 'y', 9), await listAll(store, 'z', 9)], [[], []])
    await store.commit([putLease('a', '4', 'v4')])
    assert.deepEqual(await listAll(store, 'y', 9), [])
  },

  async 'events stand in the list of their bucket, in key order'(open) {
    const { store } = await open()
    const ids = Array.from({ length: 200 }, (_, index) => `e-${String(index).padStart(3, '0')}`)
    await commitInParts(
      store,
      ids.map((id) => event(id)),
    )
    const found: string[] = []
    for (const bucket of buckets) {
      const page = await store.list('event', bucket, { limit: 200 })
      const own = page.records.map(({ id }) => id)
      assert.deepEqual(
        own,
        ids.filter((id) => bucketOf(id) === bucket),
      )
      const rest = await store.list('event', bucket, { after: own[0] ?? '', limit: 2 })
      assert.deepEqual(
        rest.records.map(({ id }) => id),
        own.slice(1, 3),
      )
      found.push(...own)
    }
    assert.deepEqual(found.toSorted(), ids)
  },

  async 'a sweep deletes what expired before, from every list, and nothing else'(open) {
    const { store, admin } = await open()
    await store.commit([
      putLease('before', 'x', 'v1', { owners: ['o'], expiresAt: start - 1 }),
      putLease('just now', 'x', 'v2', { owners: ['o'], expiresAt: start }),
      putLease('later', 'x', 'v3', { owners: ['o'], expiresAt: start + 1 }),
      putLease('never', 'x', 'v4', { owners: ['o'] }),
      event('old', start - eventTtl - 1),
      event('young', start - eventTtl),
    ])
    assert.equal(await store.sweep(start, 100), 2)
    assert.deepEqual(await listAll(store, 'o', 9), ['just now', 'later', 'never'])
    const events: string[] = []
    for await (const { id } of admin.scan('event')) events.push(id)
    assert.deepEqual(events, ['young'])
    assert.equal(await store.sweep(start, 100), 0)
    assert.deepEqual(await admin.verify(), [])
  },

  async 'a sweep deletes the events from before the time that it is told, be that earlier or later than usual'(open) {
    const { store, admin } = await open()
    await store.commit([event('old', start - eventTtl - 50), event('middle', start - 60), event('young', start - 10)])
    const left = async (eventsBefore: number): Promise<readonly string[]> => {
      await store.sweep(start, 100, eventsBefore)
      const ids: string[] = []
      for await (const { id } of admin.scan('event')) ids.push(id)
      return ids.toSorted()
    }
    assert.deepEqual(await left(start - eventTtl - 50), ['middle', 'old', 'young'])
    assert.deepEqual(await left(start - 60), ['middle', 'young'])
    assert.deepEqual(await left(start - 59), ['young'])
  },

  async 'a sweep goes by the newest end of a record, moved nearer or further'(open) {
    const { store } = await open()
    const day = 86_400
    const ends = [null, start - 3 * day, start - 10, start, start + 10, start + 3 * day]
    const moves = ends.flatMap((from) => ends.map((to) => ({ id: `${from} to ${to}`, from, to })))
    await commitInParts(
      store,
      moves.map(({ id, from }) => putLease(id, 'x', `${id} 1`, { expiresAt: from })),
    )
    await commitInParts(
      store,
      moves.map(({ id, to }) => putLease(id, 'x', `${id} 2`, { expect: `${id} 1`, expiresAt: to })),
    )
    for (const now of [start, start + 11, start + 4 * day]) {
      await store.sweep(now, 1_000)
      for (const { id, to } of moves)
        assert.equal(await exists(store, lease(id)), to === null || to >= now, `${id}, at ${now}`)
    }
  },

  async 'a sweep reaches what expired past any number of records that were given longer'(open) {
    const { store } = await open()
    const ids = Array.from({ length: 300 }, (_, index) => `id-${index}`)
    await commitInParts(
      store,
      ids.map((id) => putLease(id, 'x', 'v1', { expiresAt: start - 20 })),
    )
    await commitInParts(
      store,
      ids.map((id) => putLease(id, 'x', 'v2', { expect: 'v1', expiresAt: start + 20 })),
    )
    await store.commit([putLease('expired', 'x', 'v1', { expiresAt: start - 10 })])
    assert.equal(await store.sweep(start, 5), 1)
    assert.equal(await exists(store, lease('expired')), false)
    assert.equal(await store.sweep(start + 21, 1_000), 300)
  },

  async 'a sweep never deletes more than asked, and many sweeps delete all'(open) {
    const { store } = await open()
    const ids = Array.from({ length: 700 }, (_, index) => `id-${index}`)
    await commitInParts(
      store,
      ids.map((id) => putLease(id, 'x', id, { expiresAt: start - 1 })),
    )
    assert.equal(await store.sweep(start, 7), 7)
    assert.equal(await store.sweep(start, 300), 300)
    assert.equal(await store.sweep(start, 1000), 393)
    assert.equal(await store.sweep(start, 1000), 0)
  },

  async 'what a sweep deleted may be created anew'(open) {
    const { store } = await open()
    await store.commit([putLease('a', 'x', 'v1', { expiresAt: start - 1, owners: ['o'] })])
    await store.sweep(start, 9)
    assert.equal(await store.commit([putLease('a', 'y', 'v2', { expect: 'v1' })]), 'conflict')
    assert.equal(await store.commit([putLease('a', 'y', 'v2')]), 'committed')
    assert.deepEqual(await listAll(store, 'o', 9), [])
  },

  async 'a scan of several kinds yields one after the other'(open) {
    const { store, admin } = await open()
    await store.commit([putLease('b', 'x', 'v1', { owners: ['o'] }), putLease('a', 'x', 'v2'), event('e')])
    const found: string[] = []
    for await (const { kind, id } of admin.scan('event', 'once', 'lease')) found.push(`${kind} ${id}`)
    assert.deepEqual(found, ['event e', 'lease a', 'lease b'])
  },

  async 'a scan yields every record of a kind with its owners, in key order, as of one moment'(open) {
    const { store, admin } = await open()
    const ids = Array.from({ length: 450 }, (_, index) => `id-${String(index).padStart(3, '0')}`)
    await commitInParts(
      store,
      ids.toReversed().map((id) => putLease(id, 'x', id, { owners: [id, 'o'] })),
    )
    const found: string[] = []
    for await (const record of admin.scan('lease')) {
      if (found.length === 0) {
        await store.commit([putLease('id-999', 'x', 'late'), { op: 'delete', ...lease('id-300'), expect: 'id-300' }])
      }
      assert.deepEqual(record.owners, [record.id, 'o'])
      assert.equal(record.version, record.id)
      found.push(record.id)
    }
    assert.deepEqual(found, ids)
  },
}
