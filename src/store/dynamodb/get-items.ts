import { BatchGetItemCommand, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { keyIn, spelled, type Item, type Key } from './items.ts'
import type { TableContext } from './table-context.ts'

/** DynamoDB's own bound for one call. */
const keysPerCall = 100

/** Items by key, strongly consistent, by what `spelled` says of their keys; absent ones are left out. */
export async function getItems(context: TableContext, keys: readonly Key[]): Promise<ReadonlyMap<string, Item>> {
  const unique = [...new Map(keys.map((key) => [spelled(key), key])).values()]
  const found = new Map<string, Item>()
  const [only] = unique
  if (only !== undefined && unique.length === 1) {
    const item = await getItem(context, only)
    return item === undefined ? found : found.set(spelled(only), item)
  }
  const parts = Array.from({ length: Math.ceil(unique.length / keysPerCall) }, (_, index) =>
    unique.slice(index * keysPerCall, (index + 1) * keysPerCall),
  )
  await Promise.all(parts.map((part) => getPart(context, part, found)))
  return found
}

function getItem({ client, table, call }: TableContext, key: Key): Promise<Item | undefined> {
  const command = new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true })
  return call(async (abortSignal) => (await client.send(command, { abortSignal })).Item)
}

async function getPart(
  { client, table, call }: TableContext,
  keys: readonly Key[],
  found: Map<string, Item>,
): Promise<void> {
  let left: readonly Key[] = keys
  await call(async (abortSignal) => {
    const request = { [table]: { Keys: [...left], ConsistentRead: true } }
    const answer = await client.send(new BatchGetItemCommand({ RequestItems: request }), { abortSignal })
    for (const item of answer.Responses?.[table] ?? []) found.set(spelled(keyIn(item)), item)
    left = left.filter((key) => (answer.UnprocessedKeys?.[table]?.Keys ?? []).some((other) => same(key, other)))
    if (left.length > 0) throw new PartLeft()
  })
}

function same(key: Key, other: Item): boolean {
  return spelled(key) === spelled(keyIn(other))
}

/** DynamoDB answered for some of the keys and throttled the rest: ask for those again. */
class PartLeft extends Error {
  constructor() {
    super('a part of the keys was not processed')
    this.name = 'ThrottlingException'
  }
}
