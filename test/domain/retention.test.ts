import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventsOverBefore, keptUntil, type RetentionHistory } from '../../src/domain/retention.ts'

const day = 86_400
const history = fc
  .array(fc.record({ after: fc.integer({ min: 1, max: 900 }), keep: fc.integer({ min: 7, max: 3650 }) }), {
    maxLength: 5,
  })
  .map((changes): RetentionHistory => {
    let at = 1_000 * day
    return changes.map(({ after, keep }, from) => ({ from, at: (at += after * day), keep: keep * day }))
  })

test('a sweep and a proof agree about every event: over is what lies before the cut, and nothing else', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 0, max: 9_000 }), fc.integer({ min: 0, max: 9_000 }), (known, at, now) => {
      const over = keptUntil(known, at * day) < now * day
      expect(at * day < eventsOverBefore(known, now * day)).toBe(over)
    }),
  )
})

test('less counts for what is there already, more only for what comes', () => {
  const [first, second] = [1_000 * day, 2_000 * day]
  expect(keptUntil([{ from: 1, at: first, keep: 30 * day }], first - 1)).toBe(first - 1 + 30 * day)
  const longer = [
    { from: 1, at: first, keep: 30 * day },
    { from: 2, at: second, keep: 3_000 * day },
  ]
  expect(keptUntil(longer, second - 1)).toBe(second - 1 + 30 * day)
  expect(keptUntil(longer, second)).toBe(second + 3_000 * day)
})
