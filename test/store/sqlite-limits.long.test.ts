import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { quantile } from '../../bench/report/statistics.ts'
import { announce } from '../../src/domain/change.ts'
import { ref } from '../../src/domain/record.ts'
import type { OpenStore } from '../../src/store/port.ts'
import type { SqliteLimits } from '../../src/store/sqlite/limits.ts'
import { event, exists, holderOf, lease, putLease, start } from '../../src/store/suite/samples.ts'
import { openTestStore, temporaryFolder } from './subjects.ts'

let folder: ReturnType<typeof temporaryFolder>
let path: string
let opened: OpenStore | undefined
beforeEach(() => {
  folder = temporaryFolder()
  path = join(folder.path, 'store.db')
})
afterEach(async () => {
  await opened?.admin.close()
  opened = undefined
  folder.remove()
})

async function open(limits: Partial<SqliteLimits> = {}): Promise<OpenStore> {
  opened = await openTestStore(path, { limits })
  return opened
}

describe('FLT-06: a write lock held by somebody else', () => {
  test('is waited for, without losing anything and without stopping the event loop', async () => {
    const { store } = await open()
    const release = lock()
    const commits = Promise.all([store.commit([event('e1')]), store.commit([event('e2')])])
    let turns = 0
    const ticking = setInterval(() => (turns += 1), 5)
    await pause(300)
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(5)
    release()
    expect(await commits).toEqual(['committed', 'committed'])
  })

  test('is waited for no longer than the limit; reads go on, and so does everything once it is released', async () => {
    const { store, admin } = await open({ busyMillis: 300 })
    await store.commit([putLease('a', 'x', 'v1')])
    const release = lock()
    const since = performance.now()
    await expect(store.commit([event('e')])).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none' })
    const waited = performance.now() - since
    expect(waited).toBeGreaterThanOrEqual(300)
    expect(waited).toBeLessThan(5_000)
    expect(await holderOf(store, 'a')).toBe('x')
    expect(await store.sweep(start, 10)).toBe(0)
    await admin.ping()
    release()
    expect(await exists(store, ref('event', 'e'))).toBe(false)
    expect(await store.commit([event('e')])).toBe('committed')
  })

  test('at the start is waited for, and then refused in words', async () => {
    await (await open()).admin.close()
    const db = new DatabaseSync(path)
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM event; COMMIT')
    await expect(openTestStore(path, { limits: { busyMillis: 100 } })).rejects.toThrow(/locked by another process/)
    db.close()
  })

  function lock(): () => void {
    const db = new DatabaseSync(path)
    db.exec('BEGIN IMMEDIATE')
    return () => {
      db.exec('COMMIT')
      db.close()
    }
  }
})

describe('FLT-03: a full disk', () => {
  test('refuses writes as not happened, keeps answering reads, and heals by itself', async () => {
    const { store, admin } = await open({ pages: 60 })
    const big = 'x'.repeat(2_000)
    let kept = 0
    const fill = async (): Promise<void> => {
      for (;;) {
        const id = `id-${kept}`
        await store.commit([putLease(id, big, id, { expiresAt: start - 1, owners: ['o'] }), event(`e-${kept}`)])
        kept += 1
      }
    }
    await expect(fill()).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none', message: /disk is full/ })
    expect(kept).toBeGreaterThan(10)
    // Half of a commit isn't there either: the record fits no more, its event would have.
    expect(await exists(store, ref('event', `e-${kept}`))).toBe(false)
    expect(await holderOf(store, `id-${kept - 1}`)).toBe(big)
    expect((await store.list('lease', 'o', { limit: 100 })).records).toHaveLength(kept)
    await admin.ping()
    expect(await store.sweep(start, 1_000)).toBe(kept)
    expect(await store.commit([putLease('after', big, 'v1')])).toBe('committed')
    expect(await admin.verify()).toEqual([])
  })
})

describe('a unit that breaks halfway', () => {
  test('breaks alone, and leaves nothing of itself', async () => {
    const { store } = await open()
    const tooMuch = putLease('too much', 'x', 'v1')
    // The row's own limit of the schema: a version must not be NULL.
    const broken = { ...tooMuch, id: 'broken', version: null as unknown as string }
    const outcomes = await Promise.allSettled([
      store.commit([putLease('before', 'x', 'v1'), event('e1')]),
      store.commit([event('e2'), putLease('half', 'x', 'v2'), broken]),
      store.commit([putLease('after', 'x', 'v3'), event('e3')]),
      store.commit([putLease('again', 'x', 'v4'), event('e1')]),
    ])
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'rejected'))).toEqual([
      'committed',
      'conflict',
      'committed',
      'conflict',
    ])
    const targets = [
      lease('before'),
      ref('event', 'e2'),
      lease('half'),
      lease('after'),
      lease('again'),
      ref('event', 'e3'),
    ]
    const found = await store.read(targets)
    expect(found.map((record) => record !== undefined)).toEqual([true, false, false, true, false, true])
  })
})

describe('neighbouring reads share a snapshot', () => {
  test('that ends before a commit of this process is answered', async () => {
    // A clock that stands still: nothing else would end it within this turn.
    opened = await openTestStore(path, { clock: { monotonic: () => 0 } })
    const { store, admin } = opened
    const { cursor } = await admin.changes(undefined)
    await store.commit([putLease('a', 'before', 'v1')])
    const change = announce('change', ref('client', 'app'), start)
    const committing = store.commit([
      putLease('a', 'after', 'v2', { expect: 'v1' }),
      ...(change.op === 'put' ? [{ ...change, version: 'v3' }] : []),
    ])
    await new Promise(setImmediate)
    expect(await holderOf(store, 'a')).toBe('before')
    // The writer finishes while this turn still goes on.
    spinUntilWritten('after')
    await committing
    expect(await holderOf(store, 'a')).toBe('after')
    expect(await admin.changes(cursor)).toMatchObject({ forget: [ref('client', 'app')] })
  })

  test('that ends after a tenth of a millisecond, even within one turn', async () => {
    let time = 0
    opened = await openTestStore(path, { clock: { monotonic: () => time } })
    const theirs = await openTestStore(path)
    await theirs.store.commit([putLease('a', 'before', 'v1')])
    const committing = theirs.store.commit([putLease('a', 'after', 'v2', { expect: 'v1' })])
    await new Promise(setImmediate)
    const { store } = opened
    expect(await holderOf(store, 'a')).toBe('before')
    spinUntilWritten('after')
    time += 0.05
    expect(await holderOf(store, 'a')).toBe('before')
    time += 0.1
    expect(await holderOf(store, 'a')).toBe('after')
    await committing
    await theirs.admin.close()
  })
})

/** Hold this turn of the event loop until the writer thread has written it. */
function spinUntilWritten(holder: string): void {
  const db = new DatabaseSync(path, { readOnly: true })
  const written = db.prepare("SELECT 1 FROM record WHERE id = 'a' AND value ->> '$.holder' = ?")
  const since = performance.now()
  while (written.get(holder) === undefined && performance.now() - since < 10_000);
  db.close()
}

describe('the log', () => {
  test('is copied into the database in a quiet moment', async () => {
    const { store } = await open()
    const before = statSync(path).size
    for (let round = 0; round < 40; round += 1) {
      const ids = Array.from({ length: 250 }, (_, index) => `${round}-${index}`)
      await Promise.all(ids.map((id) => store.commit([putLease(id, 'x'.repeat(1_000), id)])))
    }
    // What a copy under load left behind may be too little to be worth another one: up to 8 MB stay in the log.
    await expect.poll(() => statSync(path).size).toBeGreaterThan(before + 2_500_000)
  })

  test('FLT-06: never outgrows its limit while a long reader keeps it, and is usable again once he is gone', async () => {
    const walBytes = 4 * 1024 * 1024
    const { store } = await open({ walBytes })
    await store.commit([event('first')])
    const reader = new DatabaseSync(path)
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM event').get()
    const fill = async (): Promise<never> => {
      for (let round = 0; ; round += 1) {
        await Promise.all(
          Array.from({ length: 50 }, (_, index) =>
            store.commit([putLease(`id-${round}-${index}`, 'x'.repeat(900), 'v')]),
          ),
        )
      }
    }
    await expect(fill()).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none', message: /old snapshot/ })
    expect(statSync(`${path}-wal`).size).toBeLessThanOrEqual(walBytes)
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(walBytes / 2)
    expect(await exists(store, ref('event', 'first'))).toBe(true)
    reader.exec('COMMIT')
    reader.close()
    await expect.poll(() => store.commit([event('last')]).catch(() => 'refused')).toBe('committed')
    expect(statSync(`${path}-wal`).size).toBeLessThanOrEqual(walBytes)
  })
})

describe('a sweep', () => {
  test(
    'never makes a commit wait as much as 10 ms longer than it would anyway',
    { retry: 2, timeout: 30_000 },
    async () => {
      const { store } = await open()
      let count = 0
      const commitOnce = async (): Promise<number> => {
        const since = performance.now()
        await store.commit([event(`e-${(count += 1)}`)])
        return performance.now() - since
      }
      for (let round = 0; round < 40; round += 1) {
        await Promise.all(
          Array.from({ length: 500 }, (_, index) => {
            const id = `${round}-${index}`
            return store.commit([
              putLease(id, 'x'.repeat(700), id, { owners: [`o-${index}`, 'o'], expiresAt: start - 1 }),
            ])
          }),
        )
      }
      const quiet: number[] = []
      for (let index = 0; index < 200; index += 1) quiet.push(await commitOnce())

      const swept: number[] = []
      const sweep = { done: false }
      const sweeping = store.sweep(start, 20_000).finally(() => (sweep.done = true))
      while (!sweep.done) swept.push(await commitOnce())
      expect(await sweeping).toBe(20_000)
      expect(swept.length).toBeGreaterThan(50)
      // Single commits are at the mercy of whatever else the machine does, with a sweep or without. But nearly every commit
      // of this kind meets a step of the sweep, so what the middle one waits longer is what a step costs.
      expect(quantile(swept, 0.5) - quantile(quiet, 0.5)).toBeLessThan(10)
    },
  )
})
