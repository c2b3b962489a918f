import { describe, expect, test } from 'vitest'
import { buckets } from '../../src/domain/bucket.ts'
import type { Dialect } from '../../src/store/sql/dialect.ts'
import { mergeByKey } from '../../src/store/sql/merge-by-key.ts'
import type { Pooled } from '../../src/store/sql/pool.ts'
import { sweep } from '../../src/store/sql/sweep.ts'
import { verify } from '../../src/store/sql/verify.ts'

const session: Pooled = { broken: () => false, close: () => undefined }
const use = <T>(work: (connection: Pooled) => Promise<T>): Promise<T> => work(session)

/** A server on which so many records are due, of which the first `postponed` were given longer, and so many events of the first bucket. */
function dueOn({ records = 0, postponed = 0, events = 0 }) {
  const did: string[] = []
  const left = { postponed, expired: records - postponed, events }
  const dialect = {
    sweepRecords: async (_: Pooled, now: number, limit: number) => {
      const later = Math.min(left.postponed, limit)
      const deleted = Math.min(left.expired, limit - later)
      left.postponed -= later
      left.expired -= deleted
      did.push(`records ${now} ${limit}`)
      return { looked: later + deleted, deleted }
    },
    sweepEvents: async (_: Pooled, { bucket, before, limit }: { bucket: string; before: number; limit: number }) => {
      const deleted = bucket === buckets[0] ? Math.min(left.events, limit) : 0
      left.events -= deleted
      if (bucket === buckets[0]) did.push(`events ${before} ${limit}`)
      return deleted
    },
    sweepChanges: async (_: Pooled, now: number) => void did.push(`changes ${now}`),
  } as unknown as Dialect<Pooled>
  return { did, run: (limit: number) => sweep(use, dialect, { now: 9, eventsBefore: 5, limit }) }
}

describe('a sweep on a server that speaks SQL', () => {
  test('goes in steps of two hundred, records first, then each bucket, then the feed', async () => {
    const { run, did } = dueOn({ records: 250, events: 201 })
    expect(await run(1_000)).toBe(451)
    expect(did).toEqual(['records 9 200', 'records 9 200', 'events 5 200', 'events 5 200', 'changes 9'])
  })

  test('deletes no more than it was told, of both together', async () => {
    const { run, did } = dueOn({ records: 210, events: 300 })
    expect(await run(215)).toBe(215)
    expect(did).toEqual(['records 9 200', 'records 9 15', 'events 5 5', 'changes 9'])
    expect(await dueOn({ records: 300 }).run(7)).toBe(7)
  })

  test('goes past what was given longer, however much that is', async () => {
    expect(await dueOn({ records: 601, postponed: 600 }).run(5)).toBe(1)
  })
})

type Raw = Dialect<Pooled>['raw']

/** What verify finds where nothing is wrong but what `raw` says, and whether it looked at one state of everything. */
async function found(raw: Partial<Raw>): Promise<readonly string[]> {
  let snapshots = 0
  const sound: Raw = {
    records: async () => [],
    events: async () => [],
    links: async () => [],
    unlinked: async () => [],
    feedIsSound: async () => true,
  }
  const dialect = {
    raw: { ...sound, ...raw },
    snapshot: async () => void (snapshots += 1),
  } as unknown as Dialect<Pooled>
  const findings = await verify(session, dialect)
  expect(snapshots).toBe(1)
  return findings
}

describe('what is wrong with the records of a server that speaks SQL', () => {
  test.each(['', '{"v":1', 'null', '7', '"text"', '[]'])(
    'a value that reads %j isn’t what was written',
    async (value) => {
      expect(await found({ records: async () => [{ kind: 'lease', id: 'a', value, owners: '[]' }] })).toEqual([
        "the lease a isn't what was written",
      ])
      const ofOne: Raw['events'] = async (_, { bucket }) => (bucket === buckets[3] ? [{ id: 'e', value }] : [])
      expect(await found({ events: ofOne })).toEqual(["the event e isn't what was written"])
    },
  )

  test.each(['', '{}', 'null', '["o"'])('nor are owners that read %j', async (owners) => {
    expect(await found({ records: async () => [{ kind: 'lease', id: 'a', value: '{}', owners }] })).toHaveLength(1)
    expect(await found({ links: async () => [{ kind: 'lease', owner: 'o', id: 'a', owners }] })).toHaveLength(1)
  })

  test('a record that is missing in a list is named, and a line of a list whose record is gone or another’s', async () => {
    const records: Raw['records'] = async () => [{ kind: 'lease', id: 'a', value: '{}', owners: '["o","p"]' }]
    const unlinked: Raw['unlinked'] = async (_, links) => links.filter(({ owner }) => owner === 'p')
    expect(await found({ records, unlinked })).toEqual(['the lease a is missing in the list of p'])
    const lines = [null, '["p"]', '["o"]'].map((owners) => ({ kind: 'lease', owner: 'o', id: 'a', owners }))
    expect(await found({ links: async () => lines })).toEqual(
      Array(2).fill("the list of o names the lease a, which isn't o's"),
    )
  })

  test('a feed that lost count is said, and no more than twenty findings', async () => {
    expect(await found({ feedIsSound: async () => false })).toEqual(['the feed of changes has lost count'])
    const bad = Array.from({ length: 30 }, (_, index) => ({ kind: 'lease', id: `l-${index}`, value: '', owners: '[]' }))
    expect(await found({ records: async () => bad })).toHaveLength(20)
  })

  test('all pages are read, each after the last row of the one before', async () => {
    const begun: string[] = []
    const page = (from: number, count: number, value: string) =>
      Array.from({ length: count }, (_, index) => ({ kind: 'lease', id: `l-${from + index}`, value, owners: '[]' }))
    const records: Raw['records'] = async (_, after) => {
      begun.push(after.id)
      return begun.length === 1 ? page(0, 500, '{}') : page(500, 1, '')
    }
    expect(await found({ records })).toEqual(["the lease l-500 isn't what was written"])
    expect(begun).toEqual(['', 'l-499'])
  })
})

test('lists in key order become one in the order of the keys’ bytes', async () => {
  async function* list(...ids: readonly string[]): AsyncGenerator<{ readonly id: string }> {
    for (const id of ids) yield { id }
  }
  const merged: string[] = []
  // U+FF61 has the smaller bytes, U+1D11E the smaller UTF-16 code units.
  for await (const { id } of mergeByKey([list('b', '\u{1d11e}'), list(), list('a', 'c', '\uff61')])) merged.push(id)
  expect(merged).toEqual(['a', 'b', 'c', '\uff61', '\u{1d11e}'])
})
