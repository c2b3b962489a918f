import { describe, expect, test } from 'vitest'
import { genesisOf, rootOf } from '../../src/audit/chain-hash.ts'
import { provedEntries, meetsNoted, sealFindings, type Hashed } from '../../src/audit/seal-findings.ts'
import type { Seal, SealEntry } from '../../src/domain/seal.ts'

const now = 1_000
const instanceId = 'i'
const kept = { from: 1, at: 10, keep: 500 }
const entries: readonly SealEntry[] = [
  ['a', 1, 'ha'],
  ['b', 2, 'hb'],
]

const first: Seal = {
  v: 1,
  number: 1,
  previous: genesisOf(instanceId),
  at: 10,
  after: '',
  through: 'b',
  late: false,
  count: 2,
  root: rootOf(entries),
  until: 2_000,
  previousUntil: 0,
  retention: [kept],
}
const second: Seal = {
  ...first,
  number: 2,
  previous: 'hash of 1',
  at: 20,
  after: 'b',
  through: 'd',
  until: 2_000,
  previousUntil: 2_000,
}
const before: Hashed = { seal: first, hash: 'hash of 1' }
const longer = { from: 2, at: 20, keep: 900 }

describe('a seal that is the first', () => {
  const found = (seal: Partial<Seal>) => sealFindings({ ...first, ...seal }, { before: undefined, now, instanceId })
  const late = { number: 7, previous: 'hash of 6', after: 'z' }

  test.each([
    ['begins the chain of its instance', {}, []],
    ['begins another', { previous: genesisOf('j') }, ["seal 1 doesn't begin the chain of this instance"]],
    ['follows some whose time is over', { ...late, previousUntil: now - 1 }, []],
    [
      'follows some whose time is not',
      { ...late, previousUntil: now },
      ["the seals before seal 7 are missing, though their time isn't over"],
    ],
  ])('%s', (_, seal, findings) => expect(found(seal)).toEqual(findings))
})

describe('a seal after another', () => {
  const found = (seal: Partial<Seal>) => sealFindings({ ...second, ...seal }, { before, now, instanceId })
  const otherwise = 'seal 2 says otherwise than those before how long events were kept'

  test.each([
    ['continues it', {}, []],
    ['is the same again', { number: 1 }, ['seal 1 stands after seal 1']],
    ['leaves one out', { number: 3 }, ['seal 3 follows seal 1: those between are missing']],
    [
      'names another',
      { previous: 'another hash' },
      ["seal 2 isn't chained to the one before: one of the two was changed"],
    ],
    [
      'says another end of the one before',
      { previousUntil: 1_999 },
      ['seal 2 is kept for another time than it may be'],
    ],
    ['ends before it', { until: 1_999 }, ['seal 2 is kept for another time than it may be']],
    ['leaves room between them', { after: 'c' }, ["seal 2 doesn't begin where the one before ended"]],
    ['says from when on events are kept longer', { retention: [kept, longer] }, []],
    ['forgets how long they were kept', { retention: [] }, [otherwise]],
    ['shortens the past', { retention: [{ ...kept, keep: 1 }] }, [otherwise]],
    ['adds a retention that begins with another seal', { retention: [kept, { ...longer, from: 1 }] }, [otherwise]],
    ['adds a retention that begins at another time', { retention: [kept, { ...longer, at: 19 }] }, [otherwise]],
    ['adds two retentions at once', { retention: [kept, longer, longer] }, [otherwise]],
  ])('%s', (_, seal, findings) => expect(found(seal)).toEqual(findings))
})

describe('the entries beside a seal', () => {
  const lost = "seal 1 has lost its entries, though their time isn't over"
  const changed = 'the entries of seal 1 were changed'
  const over = { until: now - 1 }

  test.each<[string, Partial<Seal>, unknown, string | readonly SealEntry[]]>([
    ['are those that it binds', {}, entries, entries],
    ['are gone before their time', {}, null, lost],
    ['are gone at their last second', { until: now }, undefined, lost],
    ['are gone after their time', over, undefined, []],
    ['are others after their time', over, entries.slice(1), changed],
    ['are fewer', {}, entries.slice(1), changed],
    ['are in another order', {}, entries.toReversed(), changed],
    ['are counted otherwise', { count: 3 }, entries, changed],
    ['are none', {}, { 0: entries[0] }, changed],
    ['have more to them', {}, [['a', 1, 'ha', 'x'], entries[1]], changed],
    ['are of other types', {}, [['a', '1', 'ha'], entries[1]], changed],
  ])('%s', (_, seal, beside, finding) => expect(provedEntries({ ...first, ...seal }, beside, now)).toEqual(finding))
})

describe('what was noted elsewhere', () => {
  const at = { before, now }
  const alone = { before: undefined, now }
  const third: Hashed = { seal: { ...second, number: 3, previous: 'hash of 2', previousUntil: 900 }, hash: 'hash of 3' }

  test.each([
    ['is that seal', { number: 3, hash: 'hash of 3' }, at, 'met'],
    ['is another of its number', { number: 3, hash: 'x' }, at, 'differs'],
    ['is of a later one', { number: 4, hash: 'x' }, at, undefined],
    ['is of one that was met before', { number: 2, hash: 'x' }, at, undefined],
    ['is the one that the first of those left names', { number: 2, hash: 'hash of 2' }, alone, 'met'],
    ['is not that', { number: 2, hash: 'x' }, alone, 'differs'],
    ['is older than all that are left', { number: 1, hash: 'x' }, alone, 'expired'],
    ['is older, and its time isn’t over', { number: 1, hash: 'x' }, { ...alone, now: 900 }, undefined],
    ['comes after the first of those left', { number: 4, hash: 'x' }, alone, undefined],
  ] as const)('%s', (_, noted, around, is) => expect(meetsNoted(noted, third, around)).toBe(is))
})
