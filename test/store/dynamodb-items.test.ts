import { describe, expect, test } from 'vitest'
import { keptUntil } from '../../src/domain/retention.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { carriedList, carriedOf, eventItem } from '../../src/store/dynamodb/items.ts'
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
