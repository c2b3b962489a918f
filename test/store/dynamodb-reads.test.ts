import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  GetItemCommand,
  QueryCommand,
  ScanCommand,
  type BatchGetItemCommandInput,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { createCourier } from '../../src/store/dynamodb/courier.ts'
import { getItems } from '../../src/store/dynamodb/get-items.ts'
import { carriedOf, keyAt, keyOf } from '../../src/store/dynamodb/items.ts'
import { queryItems } from '../../src/store/dynamodb/query-items.ts'
import { scanItems } from '../../src/store/dynamodb/scan.ts'
import { sweep } from '../../src/store/dynamodb/sweep.ts'
import { event, lease, start } from '../../src/store/suite/samples.ts'
import { scriptedDynamodb } from './scripted-dynamodb.ts'

const keysIn = ({ RequestItems }: BatchGetItemCommandInput): readonly string[] =>
  (RequestItems?.['table']?.Keys ?? []).map(({ sk }) => sk?.S ?? '')
const key = (name: string | number) => keyAt('p', String(name))

describe('what DynamoDB answers in parts, or might answer from an old copy', () => {
  test('is read from where it is newest, whichever way', async () => {
    const table = scriptedDynamodb(() => ({}))
    await getItems(table, [key('a')])
    await getItems(table, [key('a'), key('b')])
    await queryItems(table, { partition: 'p' })
    for await (const item of scanItems(table)) throw new Error(JSON.stringify(item))
    expect(table.count()).toBe(4)
    expect(table.sent(GetItemCommand)).toMatchObject([{ ConsistentRead: true }])
    expect(table.sent(BatchGetItemCommand)).toMatchObject([{ RequestItems: { table: { ConsistentRead: true } } }])
    expect(table.sent(QueryCommand)).toMatchObject([{ ConsistentRead: true }])
    expect(table.sent(ScanCommand)).toMatchObject([{ ConsistentRead: true }])
  })

  test('keys are asked for a hundred at a time, each once', async () => {
    const table = scriptedDynamodb(() => ({}))
    const keys = Array.from({ length: 250 }, (_, index) => key(index))
    await getItems(table, [...keys, ...keys])
    const asked = table.sent(BatchGetItemCommand).map(keysIn)
    expect(asked.map(({ length }) => length)).toEqual([100, 100, 50])
    expect(new Set(asked.flat()).size).toBe(250)
  })

  test('keys that were left over are asked for again, and those alone', async () => {
    const table = scriptedDynamodb((_command, turn) => ({
      Responses: { table: [turn === 1 ? key('a') : key('b')] },
      ...(turn === 1 && { UnprocessedKeys: { table: { Keys: [key('b')] } } }),
    }))
    expect([...(await getItems(table, [key('a'), key('b')])).values()]).toEqual([key('a'), key('b')])
    expect(table.sent(BatchGetItemCommand).map(keysIn)).toEqual([['a', 'b'], ['b']])
  })

  test('a partition is read to its end, or to as much as was wanted', async () => {
    const pages = () =>
      scriptedDynamodb((_command, turn) => ({
        Items: [key(2 * turn), key(2 * turn + 1)],
        ...(turn < 3 && { LastEvaluatedKey: key(2 * turn + 1) }),
      }))
    const [all, some] = [pages(), pages()]
    expect(await queryItems(all, { partition: 'p' })).toHaveLength(6)
    expect(all.sent(QueryCommand).map(({ ExclusiveStartKey }) => ExclusiveStartKey?.['sk']?.S)).toEqual([
      undefined,
      '3',
      '5',
    ])
    expect(await queryItems(some, { partition: 'p', limit: 4 })).toHaveLength(4)
    expect(some.sent(QueryCommand).map(({ Limit }) => Limit)).toEqual([4, 2])
  })

  test('a table is scanned to its end', async () => {
    const table = scriptedDynamodb((_command, turn) => ({
      Items: [key(turn)],
      ...(turn < 3 && { LastEvaluatedKey: key(turn) }),
    }))
    const found: unknown[] = []
    for await (const item of scanItems(table)) found.push(item)
    expect(found).toEqual([key(1), key(2), key(3)])
  })
})

describe('what DynamoDB writes in parts', () => {
  const leftOver = (input: { readonly RequestItems?: Readonly<Record<string, readonly unknown[]>> | undefined }) => ({
    UnprocessedItems: { table: input.RequestItems?.['table']?.slice(1) },
  })

  test('the courier brings until nothing is left over, each event once, 25 at a time', async () => {
    const table = scriptedDynamodb(({ input }) => leftOver(input))
    const courier = createCourier(table)
    const carried = ['a', 'b', 'c', 'a'].map((id) => carriedOf(id, event(id).event))
    courier.collect({ carrier: keyOf(lease('x')), version: '1', carried, clear: false })
    await courier.close()
    const sizes = table.sent(BatchWriteItemCommand).map(({ RequestItems }) => RequestItems?.['table']?.length)
    expect(sizes).toEqual([3, 2, 1])
    expect(courier.travelling('c')).toBeUndefined()
    expect(courier.undelivered(keyOf(lease('x')), '1')).toEqual([])

    const many = scriptedDynamodb(() => ({}))
    const busy = createCourier(many)
    const lot = Array.from({ length: 60 }, (_, index) => carriedOf(`${index}`, event(`${index}`).event))
    busy.collect({ carrier: keyOf(lease('x')), version: '1', carried: lot, clear: false })
    await busy.close()
    expect(many.sent(BatchWriteItemCommand).map(({ RequestItems }) => RequestItems?.['table']?.length)).toEqual([
      25, 25, 10,
    ])
  })

  test('the sweep deletes events until nothing is left over', async () => {
    let stored = ['a', 'b', 'c'].map((id) => ({ ...key(id), a: { N: String(start) } }))
    const table = scriptedDynamodb((command) => {
      if (command instanceof BatchWriteItemCommand) return leftOver(command.input)
      if (!(command instanceof QueryCommand) || command.input.IndexName !== undefined) return {}
      const Items = stored
      stored = []
      return { Items }
    })
    expect(await sweep(table, { now: start + 1, limit: 10, eventsBefore: start + 1 })).toBe(3)
    const deleted = table.sent(BatchWriteItemCommand).map(({ RequestItems }) => RequestItems?.['table']?.length)
    expect(deleted).toEqual([3, 2, 1])
  })
})
