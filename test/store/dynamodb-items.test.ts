import { describe, expect, test } from 'vitest'
import { ref } from '../../src/domain/record.ts'
import { keptUntil } from '../../src/domain/retention.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { carriedList, carriedOf, dueOf, eventItem, keyOf, storedIn, ttlOf } from '../../src/store/dynamodb/items.ts'
import { putUpdate } from '../../src/store/dynamodb/plan.ts'
import { event, putLease } from '../../src/store/suite/samples.ts'

const day = 86_400

test('DynamoDB deletes no event by itself that a chain may still want, whatever its writer was told', () => {
  const at = 1_800_000_000
  const event = carriedOf('019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh', { v: 1, type: 'token.issued', at })
  const longest = keptUntil([{ from: 1, at: 0, keep: lifetimes.longestEvent }], at)
  expect(longest).toBe(at + 3650 * day)
  expect(Number(eventItem(event).ttl?.N)).toBeGreaterThanOrEqual(longest + day)
})

describe('what a record carries after the next write, where before it carried', () => {
  const carried = (id: string) => carriedOf(id, event(id).event)
  const [old, fresh] = [carried('old'), carried('new')]

  test.each([
    { was: 'nothing, it is said', left: [], writes: [fresh], list: [fresh] },
    { was: 'what is still on its way', left: [old], writes: [fresh], list: [old, fresh] },
    { was: 'what is still on its way, and nothing comes', left: [old], writes: [], list: [old] },
    { was: 'nothing, and nothing comes', left: [], writes: [], list: undefined },
  ])('$was', ({ left, writes, list }) => {
    const update = putUpdate(putLease('a', 'h', 'v2', { expect: 'v1' }) as never, writes, {
      table: 'table',
      undelivered: () => left,
    })
    expect(update.UpdateExpression).toMatch(list === undefined ? /REMOVE .*#ob/ : /#ob = :ob[, ]/)
    expect(update.ExpressionAttributeValues?.[':ob']).toEqual(list && carriedList(list))
    // Only that very version carries that.
    expect(update.ConditionExpression).toBe('#v = :expect')
  })

  test.each([
    {
      was: 'nobody here knows what',
      writes: [fresh],
      expression: /#ob = list_append\(if_not_exists\(#ob, :none\), :ob\)/,
    },
    { was: 'nobody here knows what, and nothing comes', writes: [], expression: /^((?!#ob).)*$/ },
  ])('$was', ({ writes, expression }) => {
    const update = putUpdate(putLease('a', 'h', 'v2', { expect: 'v1' }) as never, writes, {
      table: 'table',
      undelivered: () => undefined,
    })
    expect(update.UpdateExpression).toMatch(expression)
  })
})

describe('the end of a record', () => {
  const end = 1_800_000_123
  const hour = 1_800_000_000
  const [listed, unlisted] = [ref('lease', 'a'), ref('once', 'a')]

  test.each([
    { of: 'what stands in lists', about: listed, expiresAt: end, looked: hour, ttl: undefined },
    { of: 'what stands in none', about: unlisted, expiresAt: end, looked: end, ttl: end + day },
    { of: 'what stands in lists and has none', about: listed, expiresAt: null, looked: undefined, ttl: undefined },
    { of: 'what stands in none and has none', about: unlisted, expiresAt: null, looked: undefined, ttl: undefined },
  ])('$of: the sweep looks at the hour, and DynamoDB deletes only what leaves no link', (row) => {
    expect(dueOf(row.about, row.expiresAt, [])?.at).toEqual(
      row.looked === undefined ? undefined : { N: String(row.looked) },
    )
    expect(ttlOf(row.about, row.expiresAt)).toEqual(row.ttl === undefined ? undefined : { N: String(row.ttl) })
  })

  test('waits for no event that travels in it: the sweep looks within six hours', () => {
    const carried = carriedOf('e', { ...event('e').event, at: hour + 60 })
    for (const expiresAt of [null, hour + 10 * day])
      expect(Number(dueOf(listed, expiresAt, [carried])?.at.N) - hour).toBeLessThanOrEqual(day / 4)
    expect(dueOf(listed, hour + 60, [carried])?.at).toEqual({ N: String(hour) })
  })
})

test('an item without version or value is no record', () => {
  const about = ref('lease', 'a')
  const [v, j] = [{ S: 'v1' }, { S: '{"v":1}' }]
  const record = { ...about, version: 'v1', value: { v: 1 } }
  expect(storedIn(about, { v, j })).toEqual({ record, owners: [], carried: [] })
  expect(storedIn(about, { v, j, x: { N: '7' }, o: { S: '["o"]' } })).toEqual({
    record: { ...record, expiresAt: 7 },
    owners: ['o'],
    carried: [],
  })
  for (const item of [undefined, {}, { v }, { j }, { v: { N: '1' }, j }]) expect(storedIn(about, item)).toBeUndefined()
})

test('an event is one of its bucket, everything else has a place of its own', () => {
  const id = '019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh'
  expect(keyOf({ kind: 'event', id })).toEqual({ pk: { S: expect.stringMatching(/^e#/) as string }, sk: { S: id } })
  expect(keyOf(ref('lease', 'a'))).toEqual({ pk: { S: 'r#lease#a' }, sk: { S: 'r' } })
})
