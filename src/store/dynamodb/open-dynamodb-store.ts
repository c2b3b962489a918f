import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { DynamodbAddress } from '../../config/dynamodb-address.ts'
import { LRUCache } from 'lru-cache'
import type { Version } from '../../domain/record.ts'
import type { Clock, Seconds } from '../../protocol/time.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import type { OpenStore, StampedWrite } from '../port.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { createDeadline } from './call.ts'
import { commit } from './commit.ts'
import { connect } from './connect.ts'
import { createCourier } from './courier.ts'
import { verdictOf } from './verdict.ts'
import { createFeed } from './feed.ts'
import { createInOrder } from './in-order.ts'
import { keyOf, pulseKey, spelled } from './items.ts'
import { list, read } from './read.ts'
import { scan } from './scan.ts'
import { sweep } from './sweep.ts'
import { prepareTable } from './table.ts'
import type { TableContext } from './table-context.ts'
import { verify } from './verify.ts'

const mostRemembered = 20_000

export type DynamodbOptions = {
  readonly address: DynamodbAddress
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  readonly eventTtl?: Seconds
  /** Make the table if it isn't there; so it is unless this is false. */
  readonly create?: boolean
}

/** The store on a DynamoDB table. Throws StoreRefused for a table that isn't there, is foreign or from a newer program. */
export async function openDynamodbStore(options: DynamodbOptions): Promise<OpenStore> {
  const { address, eventTtl = lifetimes.event } = options
  const client = connect(address)
  const deadline = createDeadline({ ...options, verdictOf })
  const context: TableContext = { client, table: address.table, eventTtl, call: (attempt) => deadline()(attempt) }
  try {
    await prepareTable(context, { address, create: options.create ?? true })
  } catch (error) {
    client.destroy()
    throw error
  }
  const courier = createCourier(context)
  const feed = createFeed(context)
  const gone = new LRUCache<string, Version>({ max: mostRemembered })
  const inOrder = createInOrder()
  const begun = new Set<Promise<unknown>>()
  let closed: Promise<void> | undefined

  /** Under one deadline, and waited for by `close`. */
  async function within<T>(work: (context: TableContext) => Promise<T>): Promise<T> {
    if (closed !== undefined) throw new StoreUnavailable('the store is closed', 'none')
    const running = work({ ...context, call: deadline() })
    begun.add(running)
    try {
      return await running
    } finally {
      begun.delete(running)
    }
  }

  async function ping({ call }: TableContext): Promise<void> {
    const command = new UpdateItemCommand({
      TableName: address.table,
      Key: pulseKey,
      UpdateExpression: 'SET n = :n',
      ExpressionAttributeValues: { ':n': { N: '1' } },
    })
    await call((abortSignal) => client.send(command, { abortSignal }))
  }

  async function close(): Promise<void> {
    await Promise.allSettled(begun)
    await courier.close()
    client.destroy()
  }

  return {
    store: {
      read: (refs) => within((timed) => read(timed, courier, refs)),
      commit: (writes) =>
        writes.length === 0
          ? Promise.resolve('committed')
          : within((timed) => inOrder(keysOf(writes), () => commit({ ...timed, courier, feed, gone }, writes))),
      list: (kind, owner, page) => within((timed) => list(timed, { kind, owner }, page)),
      sweep: (now, limit, eventsBefore = now - eventTtl) =>
        within(async () => {
          // Many calls, each with a deadline of its own: nobody waits for a sweep.
          const swept = await sweep(context, { now, limit, eventsBefore })
          await feed.sweep(now)
          return swept
        }),
    },
    admin: {
      scan: (...kinds) => scan(context, kinds),
      scansDrift: true,
      ping: () => within(ping),
      verify: () => verify(context),
      changes: (cursor) => within((timed) => feed.since(cursor, timed)),
      changesAre: 'polled',
      close: () => (closed ??= close()),
    },
  }
}

function keysOf(writes: readonly StampedWrite[]): readonly string[] {
  return writes.map((write) => spelled(keyOf(write.op === 'append' ? { kind: 'event', id: write.id } : write)))
}
