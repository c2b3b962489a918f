import {
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb'
import { buckets } from '../../domain/bucket.ts'
import type { Kind, Ref } from '../../domain/record.ts'
import type { EpochSeconds } from '../../protocol/time.ts'
import { getItems } from './get-items.ts'
import {
  duePartition,
  eventItem,
  eventPartition,
  keyIn,
  keyOf,
  linkKey,
  spelled,
  storedIn,
  type Item,
  type Key,
  type StoredItem,
} from './items.ts'
import { asExpected } from './plan.ts'
import { queryItems } from './query-items.ts'
import { dueIndex } from './table.ts'
import type { TableContext } from './table-context.ts'

const perPage = 50
const atOnce = 8
/** DynamoDB's own bound for one call. */
const keysPerCall = 25

/** Deletes what expired before `now`, at most `limit`; delivers on the way what killed nodes left inside records. */
export async function sweep(context: TableContext, asked: Omit<Part, 'bucket'>): Promise<number> {
  let swept = 0
  for (const bucket of buckets) {
    swept += await sweepRecords(context, { ...asked, bucket, limit: asked.limit - swept })
    swept += await sweepEvents(context, { ...asked, bucket, limit: asked.limit - swept })
    if (swept >= asked.limit) return swept
  }
  return swept
}

type Part = {
  readonly bucket: string
  readonly now: EpochSeconds
  readonly limit: number
  readonly eventsBefore: EpochSeconds
}

async function sweepRecords(context: TableContext, { bucket, now, limit }: Part): Promise<number> {
  const { client, table, call } = context
  let swept = 0
  for (let start: Record<string, AttributeValue> | undefined; swept < limit;) {
    const query = new QueryCommand({
      TableName: table,
      IndexName: dueIndex,
      KeyConditionExpression: 'ix = :ix AND #at < :now',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: { ':ix': { S: duePartition(bucket) }, ':now': { N: String(now) } },
      Limit: perPage,
      ...(start !== undefined && { ExclusiveStartKey: start }),
    })
    const page = await call((abortSignal) => client.send(query, { abortSignal }))
    const refs = (page.Items ?? []).flatMap(refIn)
    // The index lags behind: what counts is the record itself.
    const found = await getItems(context, refs.map(keyOf))
    const stored = refs.flatMap((ref) => storedIn(ref, found.get(spelled(keyOf(ref)))) ?? [])
    const expired = stored.filter(({ record: { expiresAt } }) => expiresAt !== undefined && expiresAt < now)
    const alive = stored.filter((one) => !expired.includes(one))
    swept += await inParts(expired.slice(0, limit - swept), (one) => removeRecord(context, one))
    await inParts(alive, (one) => refile(context, one))
    start = page.LastEvaluatedKey
    if (start === undefined) break
  }
  return swept
}

/** Events of a bucket lie in the order of their ids, which begin with time: the oldest come first. */
async function sweepEvents(context: TableContext, { bucket, limit, eventsBefore }: Part): Promise<number> {
  let swept = 0
  while (swept < limit) {
    const partition = eventPartition(bucket)
    const oldest = await queryItems(context, { partition, limit: Math.min(perPage, limit - swept) })
    const expired = oldest.filter((item) => Number(item['a']?.N) < eventsBefore).map(keyIn)
    for (let index = 0; index < expired.length; index += keysPerCall)
      await removeItems(context, expired.slice(index, index + keysPerCall))
    swept += expired.length
    if (expired.length < oldest.length || oldest.length === 0) break
  }
  return swept
}

/** 1 if it is gone by us, with its links; what it carries goes to its bucket. */
async function removeRecord(context: TableContext, { record, owners, carried }: StoredItem): Promise<number> {
  const { client, table, call } = context
  const command = new TransactWriteItemsCommand({
    TransactItems: [
      { Delete: { TableName: table, Key: keyOf(record), ...asExpected(record.version) } },
      ...owners.map((owner) => ({ Delete: { TableName: table, Key: linkKey(record.kind, owner, record.id) } })),
      ...carried.map((event) => ({ Put: { TableName: table, Item: { ...eventItem(event) } } })),
    ],
  })
  try {
    await call((abortSignal) => client.send(command, { abortSignal }))
    return 1
  } catch (error) {
    return othersWere(error)
  }
}

/** Not before it is due; until then nobody looks again. What it carries is delivered, whoever put it there. */
async function refile(context: TableContext, { record, carried }: StoredItem): Promise<number> {
  const { client, table, call } = context
  for (let index = 0; index < carried.length; index += keysPerCall) {
    const puts = carried.slice(index, index + keysPerCall)
    await write(
      context,
      puts.map((event) => ({ PutRequest: { Item: { ...eventItem(event) } } })),
    )
  }
  const { expiresAt } = record
  const command = new UpdateItemCommand({
    TableName: table,
    Key: keyOf(record),
    UpdateExpression: expiresAt === undefined ? 'REMOVE ix, #at, ob' : 'SET #at = :at REMOVE ob',
    ConditionExpression: '#v = :expect',
    ExpressionAttributeNames: { '#at': 'at', '#v': 'v' },
    ExpressionAttributeValues: {
      ':expect': { S: record.version },
      ...(expiresAt !== undefined && { ':at': { N: String(expiresAt) } }),
    },
  })
  try {
    await call((abortSignal) => client.send(command, { abortSignal }))
    return 1
  } catch (error) {
    return othersWere(error)
  }
}

/** Somebody wrote or swept it in between: then it isn't ours to sweep. */
function othersWere(error: unknown): 0 {
  if (error instanceof ConditionalCheckFailedException || error instanceof TransactionCanceledException) return 0
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof ConditionalCheckFailedException || cause instanceof TransactionCanceledException) return 0
  throw error
}

function removeItems(context: TableContext, keys: readonly Key[]): Promise<void> {
  return write(
    context,
    keys.map((key) => ({ DeleteRequest: { Key: key } })),
  )
}

type WriteRequest = NonNullable<ConstructorParameters<typeof BatchWriteItemCommand>[0]['RequestItems']>[string][number]

async function write({ client, table, call }: TableContext, requests: readonly WriteRequest[]): Promise<void> {
  let left: readonly WriteRequest[] = requests
  await call(async (abortSignal) => {
    const command = new BatchWriteItemCommand({ RequestItems: { [table]: [...left] } })
    left = (await client.send(command, { abortSignal })).UnprocessedItems?.[table] ?? []
    if (left.length > 0) throw new Error('a part was not processed')
  })
}

/** A few at a time, so that commits keep their room. */
async function inParts<T>(all: readonly T[], work: (one: T) => Promise<number>): Promise<number> {
  let sum = 0
  for (let index = 0; index < all.length; index += atOnce) {
    const done = await Promise.all(all.slice(index, index + atOnce).map(work))
    sum += done.reduce((total, one) => total + one, 0)
  }
  return sum
}

function refIn(item: Item): readonly Ref[] {
  const [, kind, id] = /^r#([a-z]+)#(.*)$/s.exec(item['pk']?.S ?? '') ?? []
  // This adapter alone writes these keys.
  return kind === undefined || id === undefined ? [] : [{ kind: kind as Kind, id }]
}
