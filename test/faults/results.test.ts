import { expect, test } from 'vitest'
import { nextRound, parseResults, printResults, published, type Chunk } from './results.ts'

const chunk: Chunk = {
  date: '2026-11-22',
  fault: 'FLT-01 kill -9, SQLite',
  seed: 7,
  from: 250,
  n: 250,
  violations: 0,
  acknowledged: 12_345,
  unknown: 67,
  readyMillis: 890,
  commit: '0123456789 and changes',
  machine: '2 × Some CPU, Node 24.0.0',
}

test('a published chunk is read back as it was written, and a run goes on behind it', () => {
  const chunks = [chunk, { ...chunk, seed: 8, from: 0 }, { ...chunk, from: 0 }]
  expect(parseResults(printResults(chunks))).toEqual(chunks)
  expect(nextRound(chunks, chunk)).toBe(500)
  expect(nextRound(chunks, { ...chunk, seed: 9 })).toBe(0)
  expect(nextRound(chunks, { ...chunk, fault: 'another' })).toBe(0)
})

test('sums bound the rate at 3/n, unless something was found', () => {
  expect(printResults([chunk, { ...chunk, from: 0 }])).toContain('| FLT-01 kill -9, SQLite | 500 | 2 | 0 | 0.6 % |')
  expect(printResults([chunk, { ...chunk, violations: 1 }])).toContain('| 500 | 2 | 1 | found some |')
})

test('a broken row is an error: what is not read would be counted again', () => {
  expect(() => parseResults(printResults([chunk]).replace('| 250 | 250 |', '| 250 | many |'))).toThrow('many')
  expect(() => parseResults('| 2026-11-22 | FLT-01 |')).toThrow('not a row')
})

test('the chunks in RESULTS.md leave out no round of a seed and count none twice', () => {
  for (const chunks of Map.groupBy(published(), ({ fault, seed }) => `${fault} ${seed}`).values()) {
    const ends = chunks.map(({ from, n }) => from + n)
    expect(chunks.map(({ from }) => from)).toEqual([0, ...ends.slice(0, -1)])
  }
})
