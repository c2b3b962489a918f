import {
  CreateTableCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { setTimeout as pause } from 'node:timers/promises'
import type { DynamodbAddress } from '../../config/dynamodb-address.ts'
import { StoreRefused } from '../refused.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { schemaKey } from './items.ts'
import type { TableContext } from './table-context.ts'

export const dueIndex = 'due'

const schemaVersion = 1
const pollMillis = 500
const mostPolls = 240

/** Make sure that the table is there and ours. Throws StoreRefused for one that is missing, foreign or from a newer program. */
export async function prepareTable(
  context: TableContext,
  { address, create }: { readonly address: DynamodbAddress; readonly create: boolean },
): Promise<void> {
  const { table, region } = address
  try {
    const version = await versionOf(context)
    if (version === undefined && !create) throw missing(address)
    if (version === undefined) return await createTable(context)
    if (version <= schemaVersion) return
    throw new StoreRefused(
      `the table ${table} was written by a newer Gatehouse (schema ${version}, this one knows ${schemaVersion}): run the newer one`,
    )
  } catch (error) {
    if (error instanceof StoreRefused) throw error
    throw new StoreRefused(
      `the table ${table} in ${region} can't be used (${nameOf(causeOf(error))}): check region, endpoint, credentials and rights`,
      { cause: error },
    )
  }
}

/** The schema that the table is signed with; undefined if there is none. */
async function versionOf({ client, table, call }: TableContext): Promise<number | undefined> {
  const command = new GetItemCommand({ TableName: table, Key: schemaKey, ConsistentRead: true })
  try {
    const { Item } = await call((abortSignal) => client.send(command, { abortSignal }))
    return Item?.['n']?.N === undefined ? undefined : Number(Item['n'].N)
  } catch (error) {
    if (nameOf(causeOf(error)) === 'ResourceNotFoundException') return undefined
    throw error
  }
}

/** Signed last: a table that was made by halves is made to its end by whoever comes next. */
async function createTable(context: TableContext): Promise<void> {
  const { client, table, call } = context
  await createOnce(context)
  await untilActive(context)
  const ttl = new UpdateTimeToLiveCommand({
    TableName: table,
    TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
  })
  await client.send(ttl).catch(unlessDone)
  const signed = new PutItemCommand({ TableName: table, Item: { ...schemaKey, n: { N: String(schemaVersion) } } })
  await call((abortSignal) => client.send(signed, { abortSignal }))
}

async function createOnce({ client, table }: TableContext): Promise<void> {
  const command = new CreateTableCommand({
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
      { AttributeName: 'ix', AttributeType: 'S' },
      { AttributeName: 'at', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: dueIndex,
        KeySchema: [
          { AttributeName: 'ix', KeyType: 'HASH' },
          { AttributeName: 'at', KeyType: 'RANGE' },
        ],
        // Keys alone: a write that moves none of them costs the index nothing.
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  })
  await client.send(command).catch((error: unknown) => {
    // Somebody else made it, now or long ago.
    if (nameOf(error) !== 'ResourceInUseException') throw error
  })
}

async function untilActive({ client, table }: TableContext): Promise<void> {
  for (let polls = 0; polls < mostPolls; polls += 1) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
    const index = Table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === dueIndex)
    if (Table?.TableStatus === 'ACTIVE' && index === undefined) {
      throw new StoreRefused(`the table ${table} has no index "${dueIndex}", so it isn't Gatehouse's: name another`)
    }
    if (Table?.TableStatus === 'ACTIVE' && index?.IndexStatus === 'ACTIVE') return
    await pause(pollMillis)
  }
  throw new StoreUnavailable(`the table ${table} is still not ready: run the command again`, 'none')
}

/** DynamoDB refuses to switch on what is on. */
function unlessDone(error: unknown): void {
  if (nameOf(error) !== 'ValidationException') throw error
}

function missing({ table, region }: DynamodbAddress): StoreRefused {
  return new StoreRefused(
    `there is no store in the table ${table} in ${region}: check --store, or run gatehouse store migrate to make it`,
  )
}

function causeOf(error: unknown): unknown {
  return error instanceof StoreUnavailable ? (error.cause ?? error) : error
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)
