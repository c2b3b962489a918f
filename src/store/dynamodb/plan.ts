import type { AttributeValue, TransactWriteItem, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'
import type { Ref } from '../../domain/record.ts'
import type { StampedWrite } from '../port.ts'
import type { Line } from './feed.ts'
import {
  carriedList,
  carriedOf,
  dueOf,
  eventItem,
  keyOf,
  linkKey,
  ownersAttribute,
  spelled,
  ttlOf,
  type Carried,
  type Key,
  type StoredItem,
} from './items.ts'

export type PutWrite = Extract<StampedWrite, { readonly op: 'put' }>
type DeleteWrite = Extract<StampedWrite, { readonly op: 'delete' }>

/** How a commit is carried out. */
export type Plan =
  | { readonly is: 'conflict' }
  | { readonly is: 'event'; readonly event: Carried }
  | { readonly is: 'put'; readonly write: PutWrite; readonly carried: readonly Carried[] }
  | { readonly is: 'delete'; readonly write: DeleteWrite }
  | { readonly is: 'transaction'; readonly items: readonly TransactWriteItem[]; readonly lines: readonly Line[] }

type Grounds = {
  readonly table: string
  /** What is stored now, by `spelled` key, of those records whose lists a write may change. */
  readonly stored: ReadonlyMap<string, StoredItem | undefined>
  /** What that version of a record still carries; undefined where that isn't known. */
  readonly undelivered: (carrier: Key, version: string) => readonly Carried[] | undefined
  /** False while the courier has too much to do. */
  readonly mayCarry: boolean
}

/** An item may hold 400 KB; beyond this an event goes to its bucket itself. */
const mostCarried = 4

/** Records that have to be read first: a write may move them from one list to another. */
export function refsToRead(writes: readonly StampedWrite[]): readonly Ref[] {
  return writes.flatMap((write) =>
    write.op === 'delete' || (write.op === 'put' && write.expect !== null && write.owners !== undefined)
      ? [{ kind: write.kind, id: write.id }]
      : [],
  )
}

export function planCommit(writes: readonly StampedWrite[], grounds: Grounds): Plan {
  const { stored } = grounds
  const events = writes.flatMap((write) => (write.op === 'append' ? [carriedOf(write.id, write.event)] : []))
  const changes = writes.filter((write) => write.op !== 'append')
  const [first] = changes
  const [event] = events
  if (first === undefined && event !== undefined && events.length === 1) return { is: 'event', event }
  for (const ref of refsToRead(writes)) {
    const found = stored.get(spelled(keyOf(ref)))
    const write = changes.find(({ kind, id }) => kind === ref.kind && id === ref.id)
    if (write !== undefined && (found?.record.version ?? null) !== write.expect) return { is: 'conflict' }
  }
  const lines = changes.flatMap((write) =>
    write.op === 'put' && 'forget' in write.value ? [{ forget: write.value.forget, expiresAt: write.expiresAt }] : [],
  )
  const links = changes.flatMap((write) => linksOf(write, grounds))
  const alone = changes.length === 1 && links.length === 0 && lines.length === 0
  if (alone && first?.op === 'put' && (events.length === 0 || (grounds.mayCarry && events.length <= mostCarried)))
    return { is: 'put', write: first, carried: events }
  const leaving = changes.flatMap((write) =>
    write.op === 'delete' ? (stored.get(spelled(keyOf(write)))?.carried ?? []) : [],
  )
  if (alone && first?.op === 'delete' && events.length === 0 && leaving.length === 0)
    return { is: 'delete', write: first }
  return {
    is: 'transaction',
    items: [
      ...changes.map((write) => changeItem(write, grounds)),
      ...links,
      ...events.map((one) => eventPut(grounds, one, 'attribute_not_exists(pk)')),
      // What a record carries outlives it.
      ...leaving.map((one) => eventPut(grounds, one)),
    ],
    lines,
  }
}

/**
 * One record's new state as an update, so that what it carries stays unless it is known to have been delivered. Where it is known,
 * the new list replaces the old one, which the expected version vouches for; where it isn't, the new one is appended.
 */
export function putUpdate(
  write: PutWrite,
  carried: readonly Carried[],
  { table, undelivered }: Pick<Grounds, 'table' | 'undelivered'>,
): UpdateItemCommandInput {
  const key = keyOf(write)
  const left = write.expect === null ? [] : undelivered(key, write.expect)
  const all = [...(left ?? []), ...carried]
  const due = dueOf(write, write.expiresAt, all)
  const appends = left === undefined && carried.length > 0
  const values: Readonly<Record<string, AttributeValue | undefined>> = {
    v: { S: write.version },
    j: { S: JSON.stringify(write.value) },
    x: write.expiresAt === null ? undefined : { N: String(write.expiresAt) },
    ix: due?.ix,
    at: due?.at,
    ttl: ttlOf(write, write.expiresAt),
    ...(write.owners !== undefined && { o: ownersAttribute(write.owners) }),
    ...((left !== undefined || appends) && { ob: all.length === 0 ? undefined : carriedList(all) }),
  }
  const named = Object.entries(values)
  const set = named.flatMap(([name, value]) =>
    value === undefined
      ? []
      : name === 'ob' && appends
        ? ['#ob = list_append(if_not_exists(#ob, :none), :ob)']
        : [`#${name} = :${name}`],
  )
  const removed = named.flatMap(([name, value]) => (value === undefined ? [`#${name}`] : []))
  return {
    TableName: table,
    Key: key,
    UpdateExpression: `SET ${set.join(', ')}${removed.length === 0 ? '' : ` REMOVE ${removed.join(', ')}`}`,
    ConditionExpression: write.expect === null ? 'attribute_not_exists(pk)' : '#v = :expect',
    ExpressionAttributeNames: Object.fromEntries(named.map(([name]) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(named.flatMap(([name, value]) => (value === undefined ? [] : [[`:${name}`, value]]))),
      ...(write.expect !== null && { ':expect': { S: write.expect } }),
      ...(appends && { ':none': { L: [] } }),
    },
  }
}

/** The condition that a record is as expected. */
export function asExpected(expect: string | null) {
  return expect === null
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : {
        ConditionExpression: '#v = :expect',
        ExpressionAttributeNames: { '#v': 'v' },
        ExpressionAttributeValues: { ':expect': { S: expect } },
      }
}

function changeItem(write: Exclude<StampedWrite, { readonly op: 'append' }>, grounds: Grounds): TransactWriteItem {
  const { table } = grounds
  switch (write.op) {
    case 'put': {
      const { UpdateExpression, ...update } = putUpdate(write, [], grounds)
      return { Update: { ...update, TableName: table, Key: keyOf(write), UpdateExpression } }
    }
    case 'delete':
      return { Delete: { TableName: table, Key: keyOf(write), ...asExpected(write.expect) } }
    case 'check':
      return { ConditionCheck: { TableName: table, Key: keyOf(write), ...asExpected(write.expect) } }
  }
}

/** Links that a write adds or takes away. */
function linksOf(
  write: Exclude<StampedWrite, { readonly op: 'append' }>,
  { table, stored }: Grounds,
): readonly TransactWriteItem[] {
  if (write.op === 'check' || (write.op === 'put' && write.owners === undefined)) return []
  const before = stored.get(spelled(keyOf(write)))?.owners ?? []
  const after = write.op === 'put' ? [...new Set(write.owners)] : []
  const at = (owner: string) => linkKey(write.kind, owner, write.id)
  return [
    ...before
      .filter((owner) => !after.includes(owner))
      .map((owner) => ({ Delete: { TableName: table, Key: at(owner) } })),
    ...after
      .filter((owner) => !before.includes(owner))
      .map((owner) => ({ Put: { TableName: table, Item: at(owner) } })),
  ]
}

function eventPut({ table }: Pick<Grounds, 'table'>, event: Carried, condition?: string): TransactWriteItem {
  return {
    Put: {
      TableName: table,
      Item: { ...eventItem(event) },
      ...(condition !== undefined && { ConditionExpression: condition }),
    },
  }
}
