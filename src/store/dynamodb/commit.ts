import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb'
import { sha256 } from '../../crypto/hash.ts'
import type { Ref, Version } from '../../domain/record.ts'
import type { StampedWrite } from '../port.ts'
import { StoreUnavailable } from '../unavailable.ts'
import type { Courier } from './courier.ts'
import { linePut, type Feed, type Line } from './feed.ts'
import { getItems } from './get-items.ts'
import { carriedIn, eventItem, keyOf, spelled, storedIn, type Carried, type Item, type StoredItem } from './items.ts'
import { asExpected, planCommit, putUpdate, refsToRead, type Plan, type PutWrite } from './plan.ts'
import type { TableContext } from './table-context.ts'

export type Outcome = 'committed' | 'conflict'

type CommitContext = TableContext & {
  readonly courier: Courier
  readonly feed: Feed
  /** A version of each record that is known to be gone, by `spelled` key: it never comes back. */
  readonly gone: {
    readonly get: (name: string) => Version | undefined
    readonly set: (name: string, version: Version) => unknown
  }
}
type Planned<Is extends Plan['is']> = Extract<Plan, { readonly is: Is }>

/** DynamoDB's own bound for one transaction. */
const mostItems = 100
const tokenLength = 36
const mostTurns = 50

/** All or nothing, durable when it resolves. */
export async function commit(context: CommitContext, writes: readonly StampedWrite[]): Promise<Outcome> {
  const { table, courier, gone } = context
  // Whoever decided on the same version as the one before him needn't ask: a hot record costs no round trip per loser.
  if (
    writes.some((write) => write.op !== 'append' && write.expect !== null && gone.get(nameOf(write)) === write.expect)
  )
    return 'conflict'
  const stored = await storedFor(context, writes)
  const plan = planCommit(writes, {
    table,
    stored,
    undelivered: courier.undelivered,
    mayCarry: !courier.overloaded(),
  })
  switch (plan.is) {
    case 'conflict':
      return 'conflict'
    case 'event':
      return commitEvent(context, plan)
    case 'put':
      return commitPut(context, plan)
    case 'delete':
      return commitDelete(context, plan)
    case 'transaction':
      return commitTransaction(
        context,
        plan,
        writes.filter((write) => write.op !== 'append'),
      )
  }
}

async function storedFor(
  context: TableContext,
  writes: readonly StampedWrite[],
): Promise<ReadonlyMap<string, StoredItem | undefined>> {
  const refs = refsToRead(writes)
  if (refs.length === 0) return new Map()
  const found = await getItems(context, refs.map(keyOf))
  return new Map(refs.map((ref) => [spelled(keyOf(ref)), storedIn(ref, found.get(spelled(keyOf(ref))))]))
}

function commitEvent({ client, table, call }: CommitContext, { event }: Planned<'event'>): Promise<Outcome> {
  const command = new PutItemCommand({
    TableName: table,
    Item: { ...eventItem(event) },
    ConditionExpression: 'attribute_not_exists(pk)',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })
  return call(async (abortSignal, { doubtful }) => {
    try {
      await client.send(command, { abortSignal })
      return 'committed'
    } catch (error) {
      const there = unmet(error)
      // Our own, whose answer was lost.
      return doubtful && there['j']?.S === event.json ? 'committed' : 'conflict'
    }
  })
}

async function commitPut(context: CommitContext, { write, carried }: Planned<'put'>): Promise<Outcome> {
  const { client, table, call, courier } = context
  const carrier = keyOf(write)
  const isKnown = write.expect === null || courier.undelivered(carrier, write.expect) !== undefined
  const command = new UpdateItemCommand({
    ...putUpdate(write, carried, { table, undelivered: courier.undelivered }),
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })
  try {
    return await call(async (abortSignal, { doubtful }) => {
      try {
        const { Attributes } = await client.send(command, { abortSignal })
        took(Attributes)
        left()
        return 'committed'
      } catch (error) {
        const there = unmet(error)
        // A stamp is never used twice: whoever wrote it was this very commit.
        if (there['v']?.S === write.version) {
          took(there)
          return 'committed'
        }
        if (doubtful) return whatBecameOf(context, { write, carried, there })
        left()
        return 'conflict'
      }
    })
  } catch (error) {
    if (error instanceof StoreUnavailable && error.outcome === 'unknown')
      for (const { id } of carried) courier.doubt(id, carrier)
    throw error
  }

  /** The version that was expected is no more. */
  function left(): void {
    if (write.expect !== null) context.gone.set(nameOf(write), write.expect)
  }

  function took(item: Item | undefined): void {
    const all = carriedIn(item)
    courier.collect({ carrier, version: write.version, carried: all, clear: !isKnown && all.length > carried.length })
  }
}

/** The answer was lost and somebody has written the record since: its events tell whether ours came before. */
async function whatBecameOf(
  context: CommitContext,
  { write, carried, there }: { readonly write: PutWrite; readonly carried: readonly Carried[]; readonly there: Item },
): Promise<Outcome> {
  const [event] = carried
  if (event === undefined) {
    throw new StoreUnavailable(`the answer was lost, and another one wrote the same ${write.kind} since`, 'unknown')
  }
  if (carriedIn(there).some(({ id }) => id === event.id)) return 'committed'
  const key = keyOf({ kind: 'event', id: event.id })
  return (await getItems(context, [key])).has(spelled(key)) ? 'committed' : 'conflict'
}

function commitDelete({ client, table, call }: CommitContext, { write }: Planned<'delete'>): Promise<Outcome> {
  const command = new DeleteItemCommand({ TableName: table, Key: keyOf(write), ...asExpected(write.expect) })
  return call(async (abortSignal, { doubtful }) => {
    try {
      await client.send(command, { abortSignal })
      return 'committed'
    } catch (error) {
      unmet(error)
      if (!doubtful) return 'conflict'
      throw new StoreUnavailable(`the answer was lost, and the ${write.kind} is gone`, 'unknown')
    }
  })
}

async function commitTransaction(
  context: CommitContext,
  { items, lines }: Planned<'transaction'>,
  changes: readonly Exclude<StampedWrite, { readonly op: 'append' }>[],
): Promise<Outcome> {
  if (items.length + lines.length > mostItems) {
    throw new TypeError(`a commit of ${items.length + lines.length} items, and DynamoDB takes ${mostItems} at once`)
  }
  if (lines.length === 0) return learned(await transact(context, items))
  const { feed, table } = context
  return feed.inTurn(async (first) => {
    let number = first
    for (let turns = 0; turns < mostTurns; turns += 1) {
      const numbered = lines.map((line: Line, index) => linePut(table, number + index, line))
      const result = await transact(context, [...items, ...numbered])
      if (result === 'committed') feed.learn(number + lines.length - 1)
      if (result === 'committed') return learned(result)
      // Only the numbers were taken: nothing else speaks against it, so it is tried with the next ones.
      if (result.some((index) => index < items.length)) return learned(result)
      number = Number((await feed.since(undefined)).cursor) + 1
    }
    feed.learn(undefined)
    throw new StoreUnavailable('others append to the change feed faster than this node', 'none')
  })

  /** The changes are the first items of the transaction, in their order. */
  function learned(result: 'committed' | readonly number[]): Outcome {
    for (const [index, write] of changes.entries()) {
      const left = result === 'committed' ? write.op !== 'check' : result.includes(index)
      if (left && write.expect !== null) context.gone.set(nameOf(write), write.expect)
    }
    return result === 'committed' ? 'committed' : 'conflict'
  }
}

/** The indices of those items whose condition wasn't met. */
function transact(
  { client, call }: CommitContext,
  items: readonly TransactWriteItem[],
): Promise<'committed' | readonly number[]> {
  // The same token for every attempt: DynamoDB answers for a transaction that went through instead of repeating it.
  const command = new TransactWriteItemsCommand({ TransactItems: [...items], ClientRequestToken: tokenOf(items) })
  return call(async (abortSignal) => {
    try {
      await client.send(command, { abortSignal })
      return 'committed'
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error
      const reasons = error.CancellationReasons ?? []
      const unmetAt = reasons.flatMap(({ Code }, index) => (Code === 'ConditionalCheckFailed' ? [index] : []))
      if (unmetAt.length > 0) return unmetAt
      throw cancelled(reasons.map(({ Code }) => Code ?? ''))
    }
  })
}

/** Cancelled for a reason that passes, or for one that doesn't. */
function cancelled(codes: readonly string[]): Error {
  const lasting = codes.find(
    (code) => !['None', 'TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'].includes(code),
  )
  if (lasting !== undefined)
    return new StoreUnavailable(`the store refuses the transaction: ${lasting}`, 'none', { ofOne: true })
  const passing = new Error('cancelled')
  // Others at the same records say nothing of the store; a limit may.
  passing.name = codes.includes('TransactionConflict') ? 'TransactionConflictException' : 'ThrottlingException'
  return passing
}

const nameOf = (ref: Ref): string => spelled(keyOf(ref))

/** What stood there instead of what was expected; throws on every other error. */
function unmet(error: unknown): Item {
  if (error instanceof ConditionalCheckFailedException) return error.Item ?? {}
  throw error
}

/** The same transaction has the same token, also when it comes a second time: its stamps are never used for another. */
function tokenOf(items: readonly TransactWriteItem[]): string {
  return sha256(JSON.stringify(items)).slice(0, tokenLength)
}
