import { QueryCommand, type AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Item } from './items.ts'
import type { TableContext } from './table-context.ts'

export type PartitionQuery = {
  readonly partition: string
  readonly after?: string
  /** From this key on, itself included. */
  readonly from?: string
  readonly limit?: number
  readonly newestFirst?: boolean
}

/** Items of one partition in the order of their keys, strongly consistent. */
export async function queryItems(context: TableContext, query: PartitionQuery): Promise<readonly Item[]> {
  const { client, table, call } = context
  const { partition, after, from, limit = Infinity, newestFirst = false } = query
  const bound = after ?? from
  const found: Item[] = []
  for (let start: Record<string, AttributeValue> | undefined; ;) {
    const command = new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: bound === undefined ? 'pk = :p' : `pk = :p AND sk ${after === undefined ? '>=' : '>'} :b`,
      ExpressionAttributeValues: { ':p': { S: partition }, ...(bound !== undefined && { ':b': { S: bound } }) },
      ScanIndexForward: !newestFirst,
      ...(limit !== Infinity && { Limit: limit - found.length }),
      ...(start !== undefined && { ExclusiveStartKey: start }),
    })
    const page = await call((abortSignal) => client.send(command, { abortSignal }))
    found.push(...(page.Items ?? []))
    start = page.LastEvaluatedKey
    if (start === undefined || found.length >= limit) return found
  }
}
