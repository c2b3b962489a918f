import { ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb'
import { buckets } from '../../domain/bucket.ts'
import type { Kind } from '../../domain/record.ts'
import type { OwnedRecord } from '../port.ts'
import { eventIn, eventPartition, recordPrefix, storedIn, type Item } from './items.ts'
import { queryItems } from './query-items.ts'
import type { TableContext } from './table-context.ts'

const eventsPerPage = 200

/**
 * Every record of some kinds, each in key order. DynamoDB knows no snapshot of a whole table: each record is as of one moment, and
 * all of a kind are from before the first one is handed out. Events, which never change, come as they are read.
 */
export async function* scan(context: TableContext, kinds: readonly Kind[]): AsyncGenerator<OwnedRecord> {
  for (const kind of kinds) yield* scanKind(context, kind)
}

async function* scanKind(context: TableContext, kind: Kind): AsyncGenerator<OwnedRecord> {
  if (kind === 'event') {
    yield* scanEvents(context)
    return
  }
  const records: OwnedRecord[] = []
  const prefix = recordPrefix(kind)
  for await (const item of scanItems(context, prefix)) {
    const id = (item['pk']?.S ?? '').slice(prefix.length)
    const stored = storedIn({ kind, id }, item)
    if (stored !== undefined) records.push({ ...stored.record, owners: stored.owners })
  }
  yield* records.toSorted(byKey)
}

/** All items, or those whose partition begins so; strongly consistent, each once. */
export async function* scanItems({ client, table, call }: TableContext, prefix?: string): AsyncGenerator<Item> {
  for (let start: Record<string, AttributeValue> | undefined; ;) {
    const command = new ScanCommand({
      TableName: table,
      ConsistentRead: true,
      ...(prefix !== undefined && {
        FilterExpression: 'begins_with(pk, :prefix)',
        ExpressionAttributeValues: { ':prefix': { S: prefix } },
      }),
      ...(start !== undefined && { ExclusiveStartKey: start }),
    })
    const page = await call((abortSignal) => client.send(command, { abortSignal }))
    yield* page.Items ?? []
    start = page.LastEvaluatedKey
    if (start === undefined) return
  }
}

/** The buckets side by side, always the smallest key first. */
async function* scanEvents(context: TableContext): AsyncGenerator<OwnedRecord> {
  const rows = await Promise.all(
    buckets.map(async (bucket) => {
      const events = bucketEvents(context, bucket)
      return { events, next: await events.next() }
    }),
  )
  for (;;) {
    const waiting = rows.filter(({ next }) => next.done !== true)
    const [first, ...others] = waiting
    if (first === undefined) return
    const smallest = others.reduce(
      (best, row) => (byKey(row.next.value as OwnedRecord, best.next.value as OwnedRecord) < 0 ? row : best),
      first,
    )
    yield smallest.next.value as OwnedRecord
    smallest.next = await smallest.events.next()
  }
}

async function* bucketEvents(context: TableContext, bucket: string): AsyncGenerator<OwnedRecord, undefined> {
  for (let after: string | undefined; ;) {
    const partition = eventPartition(bucket)
    const items = await queryItems(context, { partition, limit: eventsPerPage, ...(after !== undefined && { after }) })
    for (const item of items) {
      const event = eventIn(item['sk']?.S ?? '', item, context.eventTtl)
      if (event !== undefined) yield { ...event, owners: [bucket] }
    }
    after = items.at(-1)?.['sk']?.S
    if (after === undefined || items.length < eventsPerPage) return undefined
  }
}

function byKey(a: { readonly id: string }, b: { readonly id: string }): number {
  return Buffer.compare(Buffer.from(a.id), Buffer.from(b.id))
}
