import { describe, expect, test } from 'vitest'
import { afterFailure, closedCircuit, enterCircuit, type Circuit } from '../../src/domain/circuit.ts'

/** Failures told at these milliseconds. */
const failedAt = (...times: readonly number[]): Circuit => times.reduce(afterFailure, closedCircuit)

describe('FLT-14: a circuit', () => {
  test.each([
    ['nothing failed', [], 10_000],
    ['many failed in one moment', Array<number>(100).fill(50), 900],
    ['few failed for long', [0, 5_000, 10_000, 15_000], 20_000],
  ])('is closed where %s', (_, times, now) => {
    const circuit = failedAt(...times)
    expect(enterCircuit(circuit, now)).toBe(circuit)
  })

  test('opens where nothing but failures was told for a second, and lets one ask every half second', () => {
    const open = failedAt(0, 0, 0, 0, 1_000)
    expect(enterCircuit(open, 1_499)).toBeUndefined()
    const asked = enterCircuit(open, 1_500)
    expect(asked).toBeDefined()
    if (asked === undefined) return
    expect(enterCircuit(asked, 1_999)).toBeUndefined()
    expect(enterCircuit(asked, 2_000)).toBeDefined()
    // He had no luck either.
    expect(enterCircuit(afterFailure(asked, 1_900), 2_399)).toBeUndefined()
  })

  test('may open by time alone: whoever comes then is the one who asks', () => {
    const circuit = failedAt(0, 0, 0, 0, 0)
    const asked = enterCircuit(circuit, 1_000)
    expect(asked).not.toBe(circuit)
    expect(asked && enterCircuit(asked, 1_001)).toBeUndefined()
  })
})
