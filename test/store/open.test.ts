import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { bucketOf, buckets } from '../../src/domain/bucket.ts'
import { openStore, type OpenOptions } from '../../src/store/open.ts'
import { verdictOf } from '../../src/store/sqlite/verdict.ts'
import { event } from '../../src/store/suite/samples.ts'
import { temporaryFolder } from './subjects.ts'

const options: OpenOptions = {
  clock: { monotonic: () => performance.now() },
  random: createRandom(),
  onFatal(reason) {
    throw reason
  },
}

describe('a store address', () => {
  test('names the adapter', async () => {
    const folder = temporaryFolder()
    const path = join(folder.path, 'gatehouse.db')
    for (const address of [`sqlite:${path}`, 'memory:']) {
      const { store, admin } = await openStore(address, options)
      expect(await store.commit([event('e')])).toBe('committed')
      expect(existsSync(path)).toBe(true)
      await admin.close()
    }
    folder.remove()
  })

  test.each(['postgres://user:secret@host', 'file:x', 'sqlite:', ''])(
    '%j is refused, without repeating it',
    async (address) => {
      const opening = openStore(address, options)
      await expect(opening).rejects.toMatchObject({ name: 'StoreRefused', message: /^the store address .*; write / })
      await expect(opening).rejects.not.toThrow(/secret/)
    },
  )
})

describe('a bucket', () => {
  test('is the same for the same id, one of sixteen, and none is preferred', () => {
    const random = createRandom()
    const counts = new Map(buckets.map((bucket) => [bucket, 0]))
    for (let index = 0; index < 16_000; index += 1) {
      const id = random.id(1_800_000_000_000 + index)
      const bucket = bucketOf(id)
      expect(bucketOf(id)).toBe(bucket)
      counts.set(bucket, (counts.get(bucket) ?? NaN) + 1)
    }
    expect(counts.size).toBe(16)
    // Nine standard deviations around a thousand.
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(280)
  })

  test('never moves: what was filed stays where it is looked for', () => {
    expect(['', 'a', 'usr_5Yt0vUGlSfK8sNn1x2QzPA'].map(bucketOf)).toEqual(['9', '0', '9'])
  })
})

describe('FLT-04, FLT-05: what an error of SQLite means', () => {
  const failed = (errcode: number): Error => Object.assign(new Error('disk I/O error'), { errcode })

  test.each([
    [5, 'busy', 'busy'],
    [261, 'busy', 'busy'],
    [6, 'busy', 'busy'],
    [13, 'full', 'full'],
    [4874, 'full', 'full'],
    [19, 'duplicate', 'duplicate'],
    [2067, 'duplicate', 'duplicate'],
    [11, 'corrupt', 'corrupt'],
    [267, 'corrupt', 'corrupt'],
    [26, 'corrupt', 'corrupt'],
    // A failed fsync may have lost what was written before: never again from this process.
    [1034, 'fatal', 'fatal'],
    [1290, 'fatal', 'fatal'],
    // A write or read that failed by itself.
    [778, 'nothing', 'nothing'],
    [266, 'nothing', 'nothing'],
    // Opened for reading only, and so for as long as the process.
    [8, 'fatal', 'fatal'],
    [1, 'nothing', 'fatal'],
    // Any other failure of a commit: nobody knows.
    [10, 'nothing', 'fatal'],
    [2570, 'nothing', 'fatal'],
  ])('%d is %s within a unit and %s at the commit', (errcode, unit, commit) => {
    expect(verdictOf(failed(errcode), 'unit')).toBe(unit)
    expect(verdictOf(failed(errcode), 'commit')).toBe(commit)
  })

  test('an error that is not SQLite’s is never taken for harmless at a commit', () => {
    expect(verdictOf(new TypeError('bug'), 'commit')).toBe('fatal')
  })

  test('of MySQL in TLS names hosts: its driver would compare the certificate of an address with another name', async () => {
    const opening = openStore('mysql://user:secret@127.0.0.1/house?sslmode=verify-full', options)
    await expect(opening).rejects.toMatchObject({ name: 'StoreRefused', message: /takes the name of a host/ })
  })
})
