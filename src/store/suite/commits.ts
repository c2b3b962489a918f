import assert from 'node:assert/strict'
import { ref } from '../../domain/record.ts'
import { event, exists, holderOf, lease, putLease, start } from './samples.ts'
import { eventTtl, type Proofs } from './subject.ts'

/** What a commit does, and when it does nothing. */
export const commits: Proofs = {
  async 'a record is read as it was put, with its version and its end'(open) {
    const { store } = await open()
    const value = { v: 1, holder: 'ünïcødé "quoted" \u0000 \u2028 𝄞' } as const
    const write = {
      op: 'put',
      ...lease('a'),
      expect: null,
      value,
      expiresAt: start,
      owners: [],
      version: 'v1',
    } as const
    assert.equal(await store.commit([write]), 'committed')
    assert.deepEqual(await store.read([lease('a')]), [{ ...lease('a'), version: 'v1', value, expiresAt: start }])
  },

  async 'a record without an end has none'(open) {
    const { store } = await open()
    await store.commit([putLease('a', 'x', 'v1')])
    assert.deepEqual(await store.read([lease('a')]), [{ ...lease('a'), version: 'v1', value: { v: 1, holder: 'x' } }])
  },

  async 'records come in the order asked for, absent ones as undefined, the same one twice'(open) {
    const { store } = await open()
    await store.commit([putLease('a', 'x', 'v1'), putLease('b', 'y', 'v2'), event('e')])
    const found = await store.read([
      lease('b'),
      lease('none'),
      ref('event', 'e'),
      lease('a'),
      lease('b'),
      ref('once', 'a'),
    ])
    assert.deepEqual(
      found.map((record) => record?.version !== undefined && `${record.kind} ${record.id}`),
      ['lease b', false, 'event e', 'lease a', 'lease b', false],
    )
    assert.deepEqual(await store.read([]), [])
  },

  async 'kinds and ids that run together when joined are different records'(open) {
    const { store } = await open()
    const once = (id: string) =>
      ({ op: 'put', ...ref('once', id), expect: null, value: { v: 1 }, expiresAt: null }) as const
    const ids = [' ', 'a', 'a ', 'A', 'a\u0000', 'a\nb', 'é', 'e\u0301', "'; DROP TABLE record; --", '%', '_']
    assert.equal(await store.commit(ids.map((id) => ({ ...once(id), owners: [id], version: `v${id}` }))), 'committed')
    for (const [index, found] of (await store.read(ids.map((id) => ref('once', id)))).entries()) {
      assert.equal(found?.version, `v${ids[index]}`)
      const listed = await store.list('once', ids[index] ?? '', { limit: 10 })
      assert.deepEqual(listed.records, [found])
    }
  },

  async 'a returned value belongs to the reader alone'(open) {
    const { store } = await open()
    const value = { v: 1, holder: 'before' } as { v: 1; holder: string }
    await store.commit([{ op: 'put', ...lease('a'), expect: null, value, expiresAt: null, version: 'v1' }])
    value.holder = 'after'
    assert.equal(await holderOf(store, 'a'), 'before')
    const [read] = await store.read([lease('a')])
    Object.assign(read?.value ?? {}, { holder: 'changed' })
    assert.equal(await holderOf(store, 'a'), 'before')
  },

  async 'a put that expects absence conflicts with a record that is there, expired or not'(open) {
    const { store } = await open()
    await store.commit([putLease('a', 'x', 'v1', { expiresAt: 1 })])
    assert.equal(await store.commit([putLease('a', 'y', 'v2')]), 'conflict')
    assert.equal(await holderOf(store, 'a'), 'x')
  },

  async 'a put that expects a version conflicts with any other, and with absence'(open) {
    const { store } = await open()
    assert.equal(await store.commit([putLease('a', 'x', 'v2', { expect: 'v1' })]), 'conflict')
    await store.commit([putLease('a', 'x', 'v1')])
    assert.equal(await store.commit([putLease('a', 'y', 'v2', { expect: 'v0' })]), 'conflict')
    assert.equal(await store.commit([putLease('a', 'y', 'v2', { expect: 'v1' })]), 'committed')
    assert.equal(await store.commit([putLease('a', 'z', 'v3', { expect: 'v1' })]), 'conflict')
    assert.equal(await holderOf(store, 'a'), 'y')
  },

  async 'a put replaces value, version and end altogether'(open) {
    const { store } = await open()
    await store.commit([putLease('a', 'x', 'v1', { expiresAt: start })])
    await store.commit([putLease('a', 'y', 'v2', { expect: 'v1', expiresAt: null })])
    assert.deepEqual(await store.read([lease('a')]), [{ ...lease('a'), version: 'v2', value: { v: 1, holder: 'y' } }])
  },

  async 'a delete wants the version it names'(open) {
    const { store } = await open()
    const erase = (expect: string) => ({ op: 'delete', ...lease('a'), expect }) as const
    assert.equal(await store.commit([erase('v1')]), 'conflict')
    await store.commit([putLease('a', 'x', 'v1')])
    assert.equal(await store.commit([erase('v0')]), 'conflict')
    assert.equal(await store.commit([erase('v1')]), 'committed')
    assert.equal(await exists(store, lease('a')), false)
    assert.equal(await store.commit([putLease('a', 'again', 'v2')]), 'committed')
  },

  async 'a check asserts a version or absence, and changes nothing'(open) {
    const { store } = await open()
    await store.commit([putLease('a', 'x', 'v1')])
    const check = (id: string, expect: string | null) => ({ op: 'check', ...lease(id), expect }) as const
    const tried = [
      [check('a', 'v1'), 'committed'],
      [check('a', 'v0'), 'conflict'],
      [check('a', null), 'conflict'],
      [check('b', null), 'committed'],
      [check('b', 'v1'), 'conflict'],
    ] as const
    for (const [index, [write, outcome]] of tried.entries()) {
      const id = `written-${index}`
      assert.equal(await store.commit([putLease(id, 'y', id), write]), outcome)
      assert.equal(await exists(store, lease(id)), outcome === 'committed')
    }
    const [a] = await store.read([lease('a')])
    assert.equal(a?.version, 'v1')
  },

  async 'an event is appended once, and is its own record'(open, { eventsTravel = false }) {
    const { store } = await open()
    assert.equal(await store.commit([event('e1', start)]), 'committed')
    const [found] = await store.read([ref('event', 'e1')])
    assert.deepEqual(found?.value, event('e1', start).event)
    assert.equal(found?.expiresAt, start + eventTtl)
    assert.equal(await store.commit([event('e1', start + 1)]), 'conflict')
    if (!eventsTravel) {
      assert.equal(await store.commit([putLease('a', 'x', 'v1'), event('e1', start + 1)]), 'conflict')
      assert.equal(await exists(store, lease('a')), false)
    }
    assert.deepEqual((await store.read([ref('event', 'e1')]))[0]?.value, event('e1', start).event)
  },

  async 'all writes of a commit happen or none, wherever the conflict stands'(open) {
    const { store } = await open()
    await store.commit([putLease('there', 'x', 'v1', { owners: ['o'] })])
    const good = [
      putLease('new', 'y', 'n1', { owners: ['o'] }),
      { op: 'delete', ...lease('there'), expect: 'v1' },
      event('e'),
    ] as const
    const bad = { op: 'check', ...lease('other'), expect: 'v9' } as const
    for (let at = 0; at <= good.length; at += 1) {
      assert.equal(await store.commit([...good.slice(0, at), bad, ...good.slice(at)]), 'conflict')
      const found = await store.read([lease('new'), lease('there'), ref('event', 'e')])
      assert.deepEqual(
        found.map((record) => record?.version),
        [undefined, 'v1', undefined],
      )
      assert.deepEqual(
        (await store.list('lease', 'o', { limit: 9 })).records.map(({ id }) => id),
        ['there'],
      )
    }
    assert.equal(await store.commit(good), 'committed')
    const found = await store.read([lease('new'), lease('there'), ref('event', 'e')])
    assert.deepEqual(
      found.map((record) => record?.id),
      ['new', undefined, 'e'],
    )
  },

  async 'commits that arrive together stand or fall each by itself'(open) {
    const { store } = await open()
    await store.commit([putLease('contended', '0', 'v0')])
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        store.commit([
          putLease(`own-${index}`, 'x', `o${index}`),
          ...(index % 2 === 0 ? [putLease('contended', String(index), `c${index}`, { expect: 'v0' })] : []),
          event(`e-${index}`),
        ]),
      ),
    )
    const winners = outcomes.flatMap((outcome, index) => (outcome === 'committed' && index % 2 === 0 ? [index] : []))
    assert.equal(winners.length, 1)
    assert.equal(await holderOf(store, 'contended'), String(winners[0]))
    for (const [index, outcome] of outcomes.entries()) {
      assert.equal(outcome, index % 2 === 1 || index === winners[0] ? 'committed' : 'conflict')
      assert.equal(await exists(store, lease(`own-${index}`)), outcome === 'committed')
      assert.equal(await exists(store, ref('event', `e-${index}`)), outcome === 'committed')
    }
  },

  async 'a unit of the same turn sees what the one before it did'(open) {
    const { store } = await open()
    const outcomes = await Promise.all([
      store.commit([putLease('a', '1', 'v1')]),
      store.commit([putLease('a', '2', 'v2', { expect: 'v1' })]),
      store.commit([{ op: 'delete', ...lease('a'), expect: 'v2' }]),
      store.commit([putLease('a', '3', 'v3')]),
    ])
    assert.deepEqual(outcomes, ['committed', 'committed', 'committed', 'committed'])
    assert.equal(await holderOf(store, 'a'), '3')
  },

  async 'a commit without writes is committed'(open) {
    const { store } = await open()
    assert.equal(await store.commit([]), 'committed')
  },

  async 'a closed store refuses everything, and says that nothing happened'(open) {
    const { store, admin } = await open()
    const before = store.commit([putLease('a', 'x', 'v1')])
    await admin.close()
    // What was begun before is still answered.
    assert.equal(await before, 'committed')
    for (const late of [
      () => store.commit([putLease('b', 'x', 'v1')]),
      () => store.read([lease('a')]),
      () => store.list('lease', 'o', { limit: 1 }),
      () => store.sweep(start, 1),
      () => admin.ping(),
    ]) {
      await assert.rejects(late, { name: 'StoreUnavailable', outcome: 'none' })
    }
    await admin.close()
  },
}
