import {
  DynamoDBServiceException,
  GetItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { commit } from '../../src/store/dynamodb/commit.ts'
import { createCourier } from '../../src/store/dynamodb/courier.ts'
import { createFeed } from '../../src/store/dynamodb/feed.ts'
import { carriedList, carriedOf, eventItem, keyAt, keyOf } from '../../src/store/dynamodb/items.ts'
import { read } from '../../src/store/dynamodb/read.ts'
import type { StampedWrite } from '../../src/store/port.ts'
import { event, lease, putLease, start } from '../../src/store/suite/samples.ts'
import { cancelled, lostAnswer, scriptedDynamodb, unmet, type Scripted } from './scripted-dynamodb.ts'

/** What is answered to each command in turn, an error by throwing it; then nothing but agreement. */
function subject(...answers: readonly object[]) {
  return subjectOn(
    scriptedDynamodb((_command, turn) => {
      const answer = answers[turn - 1] ?? {}
      if (answer instanceof Error) throw answer
      return answer
    }),
  )
}

function subjectOn(table: Scripted) {
  const gone = new Map<string, string>()
  const context = { ...table, courier: createCourier(table), feed: createFeed(table), gone }
  return { ...table, context, commit: (...writes: StampedWrite[]) => commit(context, writes) }
}

const lasting = new DynamoDBServiceException({
  name: 'ValidationException',
  $fault: 'client',
  $metadata: { httpStatusCode: 400 },
})
const change = putLease('a', 'h', 'mine', { expect: 'v1' })
const others = { v: { S: 'theirs' } }
const mine = carriedOf('e', event('e').event)

describe('FLT-17: a commit whose answer was lost', () => {
  test('happened if its version stands there, or its event', async () => {
    expect(await subject(lostAnswer(), unmet({ v: { S: 'mine' } })).commit(change)).toBe('committed')
    const carries = { ...others, ob: carriedList([mine]) }
    expect(await subject(lostAnswer(), unmet(carries)).commit(change, event('e'))).toBe('committed')
    const inBucket = { Item: eventItem(mine) }
    expect(await subject(lostAnswer(), unmet(others), inBucket).commit(change, event('e'))).toBe('committed')
    expect(await subject(lostAnswer(), unmet(others)).commit(change, event('e'))).toBe('conflict')
    expect(await subject(lostAnswer(), unmet(eventItem(mine))).commit(event('e'))).toBe('committed')
  })

  test('isn’t known to have happened where another has written since, and nothing tells', async () => {
    const unknown = { name: 'StoreUnavailable', outcome: 'unknown' }
    await expect(subject(lostAnswer(), unmet(others)).commit(change)).rejects.toMatchObject(unknown)
    const removal = { op: 'delete', kind: 'lease', id: 'a', expect: 'v1' } as const
    const there = { Item: { v: { S: 'v1' }, j: { S: '{}' } } }
    await expect(subject(there, lostAnswer(), unmet()).commit(removal)).rejects.toMatchObject(unknown)
    expect(await subject(there, unmet()).commit(removal)).toBe('conflict')
  })

  test('and never came: its event is looked for where it would travel, before its bucket', async () => {
    const { commit, context, sent } = subject(lostAnswer(), lasting, { Item: { ob: carriedList([mine]) } })
    await expect(commit(change, event('e'))).rejects.toMatchObject({ outcome: 'unknown' })
    const [found] = await read(context, context.courier, [{ kind: 'event', id: 'e' }])
    expect(found).toMatchObject({ id: 'e', value: event('e').event })
    expect(sent(GetItemCommand).map(({ Key }) => Key)).toEqual([keyOf(lease('a')), keyOf({ kind: 'event', id: 'e' })])
  })

  test('is not one that was refused: its event is looked for in its bucket alone', async () => {
    const { commit, context, sent } = subject(lasting)
    await expect(commit(change, event('e'))).rejects.toMatchObject({ outcome: 'none' })
    await read(context, context.courier, [{ kind: 'event', id: 'e' }])
    expect(sent(GetItemCommand).map(({ Key }) => Key)).toEqual([keyOf({ kind: 'event', id: 'e' })])
  })

  test('is another’s event of the same id where none was lost', async () => {
    expect(await subject(unmet(eventItem(mine))).commit(event('e'))).toBe('conflict')
    expect(await subject(lostAnswer(), unmet({ j: { S: '{}' } })).commit(event('e'))).toBe('conflict')
  })
})

describe('a version that is gone', () => {
  test.each([
    { by: 'this commit', answers: [{}], writes: [change], first: 'committed' },
    { by: 'another', answers: [unmet(others)], writes: [change], first: 'conflict' },
    { by: 'this transaction', answers: [{}], writes: [change, putLease('b', 'h', 'w')], first: 'committed' },
    {
      by: 'another, as this transaction learns',
      answers: [cancelled('ConditionalCheckFailed', 'None')],
      writes: [change, putLease('b', 'h', 'w')],
      first: 'conflict',
    },
  ])('by $by needs no second question', async ({ answers, writes, first }) => {
    const { commit, count } = subject(...answers)
    expect(await commit(...writes)).toBe(first)
    expect(await commit(putLease('a', 'h', 'again', { expect: 'v1' }))).toBe('conflict')
    expect(count()).toBe(1)
  })

  test('isn’t one that was only looked at, or that met no objection', async () => {
    const check = { op: 'check', kind: 'lease', id: 'a', expect: 'v1' } as const
    const { commit, count } = subject({}, cancelled('None', 'ConditionalCheckFailed'))
    await commit(check, putLease('b', 'h', 'w'))
    expect(await commit(change, putLease('c', 'h', 'w', { expect: 'x' }))).toBe('conflict')
    expect(await commit(change)).toBe('committed')
    expect(count()).toBe(3)
  })
})

describe('a transaction', () => {
  const both = [change, putLease('b', 'h', 'w')] as const

  test('has one token, however often it is sent, and another one another', async () => {
    const { commit, sent } = subject(lostAnswer())
    await commit(...both)
    await commit(putLease('c', 'h', 'x'), putLease('d', 'h', 'y'))
    const tokens = sent(TransactWriteItemsCommand).map(({ ClientRequestToken }) => ClientRequestToken)
    expect(tokens).toEqual([expect.stringMatching(/^\S{16,36}$/), tokens[0], expect.stringMatching(/^\S{16,36}$/)])
    expect(tokens[2]).not.toBe(tokens[0])
  })

  test('that met another one, or a limit, is sent again', async () => {
    for (const code of ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']) {
      const { commit, count } = subject(cancelled('None', code))
      expect(await commit(...both)).toBe('committed')
      expect(count()).toBe(2)
    }
  })

  test('that is refused for what it is isn’t', async () => {
    const { commit, count } = subject(cancelled('TransactionConflict', 'ItemCollectionSizeLimitExceeded'))
    await expect(commit(...both)).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none', ofOne: true })
    expect(count()).toBe(1)
  })

  test('that the service refuses isn’t sent again', async () => {
    const { commit, count } = subject(lasting)
    await expect(commit(...both)).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none', ofOne: true })
    expect(count()).toBe(1)
  })

  test.each([
    { meets: 'others at the same records', blames: 'its records alone', code: 'TransactionConflict', ofOne: true },
    { meets: 'a limit', blames: 'the store', code: 'ThrottlingError', ofOne: false },
  ])('that meets $meets until its time is up fails, and blames $blames', async ({ code, ofOne }) => {
    let millis = 0
    const slow = scriptedDynamodb(
      () => {
        millis += 1_000
        throw cancelled('None', code)
      },
      { monotonic: () => millis },
    )
    await expect(subjectOn(slow).commit(...both)).rejects.toMatchObject({
      name: 'StoreUnavailable',
      outcome: 'none',
      ofOne,
    })
  })

  test('of more items than DynamoDB takes isn’t sent', async () => {
    const { commit, count } = subject()
    const many = Array.from({ length: 101 }, (_, index) => putLease(`${index}`, 'h', `v${index}`))
    await expect(commit(...many)).rejects.toThrow(/a commit of 101 items/)
    expect(count()).toBe(0)
  })
})

describe('the numbers of the change feed', () => {
  const told = (id: string) =>
    ({
      op: 'put',
      kind: 'change',
      id,
      expect: null,
      value: { v: 1, forget: lease('x') },
      expiresAt: start,
      version: id,
    }) as unknown as StampedWrite
  const newest = (number: number) => ({ Items: [keyAt('f', String(number).padStart(16, '0'))] })
  const taken = cancelled('None', 'ConditionalCheckFailed')
  const numbers = (sent: ReturnType<typeof subject>['sent']) =>
    sent(TransactWriteItemsCommand).map(({ TransactItems }) => Number(TransactItems?.at(-1)?.Put?.Item?.['sk']?.S))

  test('are taken in turn, and known from then on', async () => {
    const { commit, sent } = subject(newest(7))
    await Promise.all([commit(told('a')), commit(told('b'))])
    expect(numbers(sent)).toEqual([8, 9])
    expect(sent(QueryCommand)).toHaveLength(1)
    for (const { TransactItems } of sent(TransactWriteItemsCommand))
      expect(TransactItems?.at(-1)?.Put?.ConditionExpression).toBe('attribute_not_exists(pk)')
  })

  test('that others took are passed over; what speaks against the commit itself is a conflict', async () => {
    const { commit, sent } = subject(newest(7), taken, newest(9))
    expect(await commit(told('a'))).toBe('committed')
    expect(numbers(sent)).toEqual([8, 10])
    const refused = subject(newest(7), cancelled('ConditionalCheckFailed', 'ConditionalCheckFailed'))
    expect(await refused.commit(told('a'))).toBe('conflict')
    expect(refused.count()).toBe(2)
  })

  test('that others take faster end a commit without effect, and the next one asks anew', async () => {
    const answers = Array.from({ length: 51 }, (_, index) => [newest(index), taken]).flat()
    const { commit, sent } = subject(...answers.slice(0, 101))
    await expect(commit(told('a'))).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none' })
    const before = sent(QueryCommand).length
    expect(await commit(told('b'))).toBe('committed')
    expect(sent(QueryCommand)).toHaveLength(before + 1)
  })
})

test('what another node left in a record is taken out once it is home, unless somebody wrote the record since', async () => {
  const { commit, sent, context } = subject({
    Attributes: { ob: carriedList([carriedOf('f', event('f').event), mine]) },
  })
  expect(await commit(change, event('e'))).toBe('committed')
  await context.courier.close()
  const [, cleared] = sent(UpdateItemCommand)
  expect(cleared).toMatchObject({
    Key: keyOf(lease('a')),
    UpdateExpression: 'REMOVE #ob',
    ConditionExpression: '#v = :v',
    ExpressionAttributeValues: { ':v': { S: 'mine' } },
  })
})
