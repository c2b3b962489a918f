import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { createInOrder } from '../../src/store/dynamodb/in-order.ts'
import { carriedList, carriedOf, keyOf, linkKey, ownersAttribute } from '../../src/store/dynamodb/items.ts'
import { sweep } from '../../src/store/dynamodb/sweep.ts'
import { prepareTable } from '../../src/store/dynamodb/table.ts'
import { event, lease, start } from '../../src/store/suite/samples.ts'
import { cancelled, scriptedDynamodb } from './scripted-dynamodb.ts'

describe('the sweep of a table whose index lags behind', () => {
  const item = (id: string, more: object) => ({ ...keyOf(lease(id)), v: { S: 'v1' }, j: { S: '{}' }, ...more })
  const endsAt = (at: number) => ({ x: { N: String(at) } })

  /** The first page of the index names these records, of which each is as it says. */
  function swept(records: Readonly<Record<string, object>>, { limit = 10, failing = false } = {}) {
    let pages = 0
    const table = scriptedDynamodb((command) => {
      if (command instanceof QueryCommand && command.input.IndexName !== undefined) {
        pages += 1
        return pages === 1 ? { Items: Object.keys(records).map((id) => keyOf(lease(id))) } : {}
      }
      if (failing && command instanceof TransactWriteItemsCommand) throw cancelled('ConditionalCheckFailed')
      const found = Object.entries(records).map(([id, more]) => item(id, more))
      return { Item: found[0], Responses: { table: found } }
    })
    return { table, count: sweep(table, { now: start, limit, eventsBefore: 0 }) }
  }

  test('deletes what is over and still as it was read, with its links, and brings home what it carries', async () => {
    const carried = carriedOf('e', event('e').event)
    const { table, count } = swept({
      old: { ...endsAt(start - 1), o: ownersAttribute(['o']), ob: carriedList([carried]) },
    })
    expect(await count).toBe(1)
    expect(table.sent(TransactWriteItemsCommand)).toMatchObject([
      {
        TransactItems: [
          {
            Delete: {
              Key: keyOf(lease('old')),
              ConditionExpression: '#v = :expect',
              ExpressionAttributeValues: { ':expect': { S: 'v1' } },
            },
          },
          { Delete: { Key: linkKey('lease', 'o', 'old') } },
          { Put: { Item: { ...keyOf({ kind: 'event', id: 'e' }), j: { S: carried.json } } } },
        ],
      },
    ])
  })

  test('leaves what isn’t over, by what the record itself says, and has it looked at when it is', async () => {
    const { table, count } = swept({ longer: endsAt(start + 60), now: endsAt(start), ever: {} })
    expect(await count).toBe(0)
    expect(table.sent(TransactWriteItemsCommand)).toEqual([])
    const refiled = table.sent(UpdateItemCommand).map((input) => [input.UpdateExpression, input.ConditionExpression])
    expect(refiled).toEqual([
      ['SET #at = :at REMOVE ob', '#v = :expect'],
      ['SET #at = :at REMOVE ob', '#v = :expect'],
      ['REMOVE ix, #at, ob', '#v = :expect'],
    ])
  })

  test('counts nothing that others wrote or swept meanwhile', async () => {
    expect(await swept({ old: endsAt(start - 1) }, { failing: true }).count).toBe(0)
  })

  test('deletes as many as it may', async () => {
    const over = endsAt(start - 1)
    const { table, count } = swept({ a: over, b: over, c: over }, { limit: 2 })
    expect(await count).toBe(2)
    expect(table.sent(TransactWriteItemsCommand)).toHaveLength(2)
  })

  test('reads the index to its end', async () => {
    let pages = 0
    const table = scriptedDynamodb((command) => {
      if (!(command instanceof QueryCommand) || command.input.IndexName === undefined) return {}
      pages += 1
      return pages === 1 ? { LastEvaluatedKey: keyOf(lease('last')) } : {}
    })
    await sweep(table, { now: start, limit: 10, eventsBefore: 0 })
    const [first, second, third] = table.sent(QueryCommand).filter(({ IndexName }) => IndexName !== undefined)
    expect(second?.ExclusiveStartKey).toEqual(keyOf(lease('last')))
    expect(second?.ExpressionAttributeValues).toEqual(first?.ExpressionAttributeValues)
    expect(third?.ExpressionAttributeValues).not.toEqual(first?.ExpressionAttributeValues)
  })
})

describe('a table', () => {
  const address = { region: 'eu', table: 'table' } as const
  const failed = (name: string) =>
    new DynamoDBServiceException({ name, $fault: 'client', $metadata: { httpStatusCode: 400 } })
  const active = {
    Table: { TableStatus: 'ACTIVE', GlobalSecondaryIndexes: [{ IndexName: 'due', IndexStatus: 'ACTIVE' }] },
  }

  /** None is there, and what these commands say is what they throw. */
  function missing(failures: Readonly<Record<string, string>> = {}) {
    const table = scriptedDynamodb((command) => {
      if (command instanceof GetItemCommand) throw failed('ResourceNotFoundException')
      const failure = failures[command.constructor.name]
      if (failure !== undefined) throw failed(failure)
      return command instanceof DescribeTableCommand ? active : {}
    })
    return { table, prepared: (create: boolean) => prepareTable(table, { address, create }) }
  }
  const refused = { name: 'StoreRefused' }

  test('that isn’t there is made where that is wanted, and signed when all else is done', async () => {
    const { table, prepared } = missing()
    await expect(prepared(false)).rejects.toMatchObject({ ...refused, message: /there is no store in the table/ })
    expect(table.count()).toBe(1)
    await prepared(true)
    expect(table.count()).toBe(6)
    expect(table.sent(PutItemCommand)).toHaveLength(1)
    expect(table.sent(UpdateTimeToLiveCommand)).toMatchObject([{ TimeToLiveSpecification: { AttributeName: 'ttl' } }])
  })

  test('that was made by halves is made to its end; one that can’t be isn’t signed', async () => {
    const halves = missing({
      CreateTableCommand: 'ResourceInUseException',
      UpdateTimeToLiveCommand: 'ValidationException',
    })
    await halves.prepared(true)
    expect(halves.table.sent(PutItemCommand)).toHaveLength(1)
    for (const command of ['CreateTableCommand', 'UpdateTimeToLiveCommand']) {
      const { table, prepared } = missing({ [command]: 'AccessDeniedException' })
      await expect(prepared(true)).rejects.toMatchObject({ ...refused, message: /can't be used \(AccessDenied/ })
      expect(table.sent(PutItemCommand)).toEqual([])
    }
  })

  test('whose schema can’t be read isn’t taken for one that isn’t there', async () => {
    const table = scriptedDynamodb(() => {
      throw failed('AccessDeniedException')
    })
    await expect(prepareTable(table, { address, create: true })).rejects.toMatchObject(refused)
    expect(table.sent(CreateTableCommand)).toEqual([])
    expect(table.sent(GetItemCommand)).toMatchObject([{ ConsistentRead: true }])
  })
})

test('work on one key waits for all that came before it on any of its keys; other work doesn’t', async () => {
  const inOrder = createInOrder()
  const done: string[] = []
  const [a, b] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  const all = [
    inOrder(['a'], () => a.promise.then(() => done.push('a'))),
    inOrder(['b'], () => b.promise.then(() => Promise.reject(new Error('failed')))).catch(() => done.push('b failed')),
    inOrder(['a', 'b'], async () => done.push('both')),
    inOrder(['c'], async () => done.push('other')),
  ]
  await new Promise((resolve) => setImmediate(resolve))
  a.resolve(undefined)
  await new Promise((resolve) => setImmediate(resolve))
  expect(done).toEqual(['other', 'a'])
  b.resolve(undefined)
  await Promise.all(all)
  expect(done).toEqual(['other', 'a', 'b failed', 'both'])
})
