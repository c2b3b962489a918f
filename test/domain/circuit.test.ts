import { describe, expect, test } from 'vitest'
import { afterAnswer, afterFailure, closedCircuit, enterCircuit, type Circuit } from '../../src/domain/circuit.ts'

const patience = { failingMillis: 1_000, probeMillis: 500, pauseMillis: () => 500 }

/** What was told, in its order: at which millisecond, of what, and whether there was an answer. */
type Told = readonly [now: number, asked: string, answered?: 'answered']
const names = (asked: string): readonly string[] => asked.split(' ').filter((name) => name !== '')
const after = (...told: readonly Told[]): Circuit =>
  told.reduce(
    (circuit: Circuit, [now, asked, answered]) =>
      answered ? afterAnswer(circuit, names(asked)) : afterFailure(circuit, patience, { now, asked: names(asked) }),
    closedCircuit,
  )
const failedAt = (...times: readonly number[]): Circuit => after(...times.map((now): Told => [now, '']))
const enter = (circuit: Circuit | undefined, now: number, asked = '') =>
  circuit && enterCircuit(circuit, patience, { now, asked: names(asked) })

describe('FLT-14: a circuit', () => {
  test.each([
    ['nothing failed', [], 10_000],
    ['many failed in one moment', Array<number>(100).fill(50), 900],
    ['few failed for long', [0, 5_000, 10_000, 15_000], 20_000],
  ])('is closed where %s', (_, times, now) => {
    const circuit = failedAt(...times)
    expect(enter(circuit, now)).toBe(circuit)
  })

  test('opens where nothing but failures was told for a second, and lets one ask every half second', () => {
    const open = failedAt(0, 0, 0, 0, 1_000)
    expect(enter(open, 1_499)).toBeUndefined()
    const asked = enter(open, 1_500)
    expect(asked).toBeDefined()
    expect(enter(asked, 1_999)).toBeUndefined()
    expect(enter(asked, 2_000)).toBeDefined()
    // He had no luck either.
    expect(asked && enter(afterFailure(asked, patience, { now: 1_900 }), 2_399)).toBeUndefined()
  })

  test('may open by time alone: whoever comes then is the one who asks', () => {
    const circuit = failedAt(0, 0, 0, 0, 0)
    const asked = enter(circuit, 1_000)
    expect(asked).not.toBe(circuit)
    expect(asked).toBeDefined()
    expect(enter(asked, 1_001)).toBeUndefined()
  })

  test('stays open for as long as what failed said, from the first failure on', () => {
    const circuit = afterFailure(closedCircuit, patience, { now: 100, atLeastMillis: 3_000 })
    expect(enter(circuit, 3_099)).toBeUndefined()
    expect(enter(circuit, 3_100)).toBe(circuit)
  })
})

describe('FLT-17: what a circuit refuses, after these failures and answers of a second,', () => {
  const hot = (times: number): readonly Told[] => Array.from({ length: times }, (): Told => [0, 'hot'])

  test.each<readonly [string, readonly Told[], readonly string[], readonly string[]]>([
    ['all about one thing: those who ask for that', hot(5), ['hot', 'hot cold'], ['cold', '']],
    ['about one thing among others', [[0, 'a hot'], [0, 'hot b'], ...hot(3)], ['hot'], ['a', 'b']],
    ['about one thing, while others are answered', [...hot(2), [9, 'cold', 'answered'], ...hot(3)], ['hot'], ['cold']],
    ['about that, answered in between', [...hot(4), [9, 'hot', 'answered'], ...hot(1)], [], ['hot', 'cold']],
    ['about several: everybody', [...hot(4), [0, 'cold']], ['hot', 'cold', 'third', ''], []],
    ['about nothing of its own among them: everybody', [...hot(4), [0, '']], ['hot', 'cold', ''], []],
    [
      'about two things, each by itself, while others are answered: nobody',
      [...hot(4), [9, 'cold', 'answered'], [9, 'warm'], ...hot(1)],
      [],
      ['cold', 'warm', 'hot'],
    ],
    [
      'about one thing, and then about everything: everybody',
      [...hot(5), [9, 'cold', 'answered'], ...['a', 'b', 'c', 'd', 'e'].map((name): Told => [0, name])],
      ['hot', 'cold', ''],
      [],
    ],
    ['about several, then an answer: nobody', [...hot(4), [0, 'cold'], [9, 'third', 'answered']], [], ['hot', 'cold']],
  ])('%s', (_, told, refused, admitted) => {
    const circuit = after(...told)
    // A second and a half: whoever is refused waits for the one who asks.
    const probed = refused.length === 0 ? circuit : enter(circuit, 1_500, refused[0])
    expect(probed).toBeDefined()
    for (const asked of refused) expect(enter(probed, 1_600, asked), `refused: ${asked}`).toBeUndefined()
    for (const asked of admitted) expect(enter(probed, 1_600, asked), `admitted: ${asked}`).toBe(probed)
  })
})
