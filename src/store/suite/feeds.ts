import assert from 'node:assert/strict'
import { announce } from '../../domain/change.ts'
import { ref, type Ref } from '../../domain/record.ts'
import type { StampedWrite, StoreAdmin } from '../port.ts'
import { putLease, start } from './samples.ts'
import type { Proofs } from './subject.ts'

let count = 0

/** What caches are told. */
export const feeds: Proofs = {
  async 'the feed tells what changed since a cursor, once'(open) {
    const { store, admin } = await open()
    await store.commit([change('user', 'early')])
    const begin = await admin.changes(undefined)
    assert.deepEqual(begin.forget, [])
    await store.commit([putLease('a', 'x', 'v1')])
    assert.deepEqual((await admin.changes(begin.cursor)).forget, [])
    await store.commit([change('user', 'u1'), change('client', 'c1')])
    await store.commit([change('user', 'u2')])
    const next = await settled(admin, begin.cursor)
    assert.deepEqual(next.forget, [ref('user', 'u1'), ref('client', 'c1'), ref('user', 'u2')])
    assert.deepEqual((await admin.changes(next.cursor)).forget, [])
  },

  async 'a commit that conflicts tells nothing'(open) {
    const { store, admin } = await open()
    const { cursor } = await admin.changes(undefined)
    assert.equal(await store.commit([change('user', 'u1'), putLease('a', 'x', 'v2', { expect: 'v1' })]), 'conflict')
    assert.deepEqual((await settled(admin, cursor)).forget, [])
  },

  async 'a cursor from before what was swept is lost, later ones are not'(open) {
    const { store, admin } = await open()
    const first = (await admin.changes(undefined)).cursor
    await store.commit([change('user', 'u1')])
    const second = (await settled(admin, first)).cursor
    await store.commit([change('user', 'u2', start + 5_000)])
    await store.sweep(start + 4_000, 100)
    assert.equal((await settled(admin, first)).forget, 'lost')
    assert.deepEqual((await settled(admin, second)).forget, [ref('user', 'u2')])
    await store.sweep(start + 9_000, 100)
    const last = await settled(admin, second)
    assert.equal(last.forget, 'lost')
    assert.deepEqual((await settled(admin, last.cursor)).forget, [])
  },
}

/** Other processes' feed: only where there can be another. */
export const sharedFeeds: Proofs = {
  async 'what another one committed is in the feed by the next turn of the event loop'(open) {
    const [ours, theirs] = [await open(), await open()]
    let { cursor } = await ours.admin.changes(undefined)
    // A polled feed is waited for each time.
    const rounds = ours.admin.changesAre === 'polled' ? 4 : 20
    for (let round = 0; round < rounds; round += 1) {
      await theirs.store.commit([change('user', `u${round}`)])
      await new Promise(setImmediate)
      const changes = await settled(ours.admin, cursor)
      assert.deepEqual(changes.forget, [ref('user', `u${round}`)])
      cursor = changes.cursor
    }
  },
}

/** A polled feed may take its time; an exact one may not. */
async function settled(admin: StoreAdmin, cursor: string): ReturnType<typeof ask> {
  if (admin.changesAre === 'polled') await new Promise((resolve) => setTimeout(resolve, 300))
  return ask(admin, cursor)
}

async function ask(admin: StoreAdmin, cursor: string): Promise<{ cursor: string; forget: readonly Ref[] | 'lost' }> {
  return admin.changes(cursor)
}

function change(kind: 'user' | 'client', id: string, now: number = start): StampedWrite {
  count += 1
  const write = announce(`change-${String(count).padStart(9, '0')}`, ref(kind, id), now)
  assert(write.op === 'put')
  return { ...write, version: `v${count}` }
}
