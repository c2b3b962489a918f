import { expect, test } from 'vitest'
import { keptUntil } from '../../src/domain/retention.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { carriedOf, eventItem } from '../../src/store/dynamodb/items.ts'

const day = 86_400

test('DynamoDB deletes no event by itself that a chain may still want, whatever its writer was told', () => {
  const at = 1_800_000_000
  const event = carriedOf('019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh', { v: 1, type: 'token.issued', at })
  const longest = keptUntil([{ from: 1, at: 0, keep: lifetimes.longestEvent }], at)
  expect(longest).toBe(at + 3650 * day)
  expect(Number(eventItem(event).ttl?.N)).toBeGreaterThanOrEqual(longest + day)
})
