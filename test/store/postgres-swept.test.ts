import { describe, expect, test } from 'vitest'
import type { Connection } from '../../src/store/postgres/connection.ts'
import { statementsFor } from '../../src/store/postgres/statements.ts'
import { sweepEvents } from '../../src/store/postgres/sweep-events.ts'
import { createSwept } from '../../src/store/postgres/swept.ts'

const always = Number.MIN_SAFE_INTEGER
const now = 2_000_000_000
const hours = 3_600

describe('where a sweep on PostgreSQL begins', () => {
  test('at the oldest there is, the first time', () => {
    expect(createSwept().from(now)).toBe(always)
  })

  test('when nothing was left: ten minutes before that, for what was locked or committed late', () => {
    const swept = createSwept()
    swept.from(now)
    swept.done(now, undefined)
    expect(swept.from(now + 30)).toBe(now - 600)
    swept.done(now + 30, undefined)
    expect(swept.from(now + 3_000)).toBe(now - 570)
  })

  test('with much left: at the last one of the step before, but never closer than ten minutes', () => {
    const swept = createSwept()
    swept.from(now)
    swept.done(now, now - 5_000)
    expect(swept.from(now)).toBe(now - 5_000)
    swept.done(now, now - 10)
    expect(swept.from(now)).toBe(now - 600)
  })

  test('a step that failed is begun again where it began', () => {
    const swept = createSwept()
    swept.from(now)
    expect(swept.from(now)).toBe(always)
    swept.done(now, now - 5_000)
    swept.from(now)
    expect(swept.from(now)).toBe(now - 5_000)
  })

  test.each([6 * hours, 400 * 24 * hours, -6 * hours])(
    'at the oldest again after %i seconds: a row may have come with a time long past, or the clock have been set',
    (later) => {
      const swept = createSwept()
      swept.from(now)
      swept.done(now + later, undefined)
      expect(swept.from(now + later)).toBe(always)
      swept.done(now + later, undefined)
      expect(swept.from(now + later + 30)).toBe(now + later - 600)
    },
  )

  test.each([6 * hours - 1, 1 - 6 * hours])('not at the oldest again after %i seconds', (later) => {
    const swept = createSwept()
    swept.from(now)
    swept.done(now, undefined)
    expect(swept.from(now + later)).toBeGreaterThan(always)
  })

  test('a clock that was put back a little misses nothing', () => {
    const swept = createSwept()
    swept.from(now)
    swept.done(now, undefined)
    expect(swept.from(now - 1_000)).toBe(now - 1_600)
  })
})

/** A server with so many events to delete in each step: what it was asked. */
function serverWith(...steps: readonly (readonly number[])[]): {
  connection: Connection
  asked: (readonly unknown[])[]
} {
  const asked: (readonly unknown[])[] = []
  const query: Connection['query'] = async (_, values = []) => {
    const rows = (steps[asked.length] ?? []).map((at) => [String(at)])
    asked.push(values)
    return { rows, command: 'DELETE', count: rows.length }
  }
  return { asked, connection: { query, broken: () => false, close: () => undefined } }
}

test('a bucket with more events than a step takes: the next one begins at the latest of them, whatever their order', async () => {
  const { connection, asked } = serverWith([now - 9_000, now - 7_000, now - 8_000], [now - 6_000], [])
  const order = { bucket: '3', before: now, limit: 3, swept: createSwept() }
  const sql = statementsFor('house')
  for (const deleted of [3, 1, 0]) expect(await sweepEvents(connection, sql, order)).toBe(deleted)
  expect(asked).toEqual([always, now - 7_000, now - 600].map((from) => ['3', from, now, 3]))
})
