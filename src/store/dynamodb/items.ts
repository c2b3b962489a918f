import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { bucketOf } from '../../domain/bucket.ts'
import type { AuditEvent } from '../../domain/event.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import type { Kind, Ref, StoredRecord } from '../../domain/record.ts'
import type { EpochSeconds, Seconds } from '../../protocol/time.ts'

/** An item as DynamoDB spells it. */
export type Item = Readonly<Record<string, AttributeValue>>
export type Key = { readonly pk: { readonly S: string }; readonly sk: { readonly S: string } }

/** An event on its way: inside the record that it describes, or to its bucket. */
export type Carried = { readonly id: string; readonly json: string; readonly at: EpochSeconds }

/** A record's item, with what the port doesn't show. */
export type StoredItem = {
  readonly record: StoredRecord
  readonly owners: readonly string[]
  readonly carried: readonly Carried[]
}

const hour = 3_600
/** How long an event that a killed node left inside a record may wait for the sweep. */
const lookSeconds = 6 * hour
/** The native TTL is the net under the sweep, which delivers what a record carries before it goes. */
const netSeconds = 24 * hour

/** Kinds that stand in no list, so that DynamoDB may delete them by itself without leaving a link behind. */
const unlisted: ReadonlySet<Kind> = new Set<Kind>(['once', 'revoked', 'interaction'])

export const schemaKey: Key = keyAt('gatehouse', 'schema')
export const pulseKey: Key = keyAt('gatehouse', 'pulse')
export const feedPartition = 'f'

export function keyAt(pk: string, sk: string): Key {
  return { pk: { S: pk }, sk: { S: sk } }
}

export function keyOf({ kind, id }: Ref): Key {
  return kind === 'event' ? keyAt(eventPartition(bucketOf(id)), id) : keyAt(`${recordPrefix(kind)}${id}`, 'r')
}

export const recordPrefix = (kind: Kind): string => `r#${kind}#`
export const listPartition = (kind: Kind, owner: string): string => `l#${kind}#${owner}`
export const eventPartition = (bucket: string): string => `e#${bucket}`
export const duePartition = (shard: string): string => `due#${shard}`

/** One text for a key, to compare by. */
export const spelled = ({ pk, sk }: Key): string => `${pk.S}\n${sk.S}`

export const linkKey = (kind: Kind, owner: string, id: string): Key => keyAt(listPartition(kind, owner), id)

/** The key attributes of any item. */
export function keyIn(item: Item): Key {
  return keyAt(item['pk']?.S ?? '', item['sk']?.S ?? '')
}

/** Place and hour at which the sweep looks at a record: rounded, so that a rotation hardly ever touches the index. */
export function dueOf(
  { kind, id }: Ref,
  expiresAt: EpochSeconds | null,
  carried: readonly Carried[],
): Readonly<Record<'ix' | 'at', AttributeValue>> | undefined {
  const ends = expiresAt === null ? Infinity : unlisted.has(kind) ? expiresAt : Math.floor(expiresAt / hour) * hour
  const looks = carried.map(({ at }) => (Math.floor(at / lookSeconds) + 1) * lookSeconds)
  const at = Math.min(ends, ...looks)
  return at === Infinity ? undefined : { ix: { S: duePartition(bucketOf(id)) }, at: { N: String(at) } }
}

export function ttlOf({ kind }: Ref, expiresAt: EpochSeconds | null): AttributeValue | undefined {
  return expiresAt !== null && unlisted.has(kind) ? { N: String(expiresAt + netSeconds) } : undefined
}

export function carriedOf(id: string, event: AuditEvent): Carried {
  return { id, json: JSON.stringify(event), at: event.at }
}

/** How long events are kept says the chain, by which the sweep deletes; the net knows no chain, so it is below every answer. */
export function eventItem({ id, json, at }: Carried): Item {
  const ttl = at + lifetimes.longestEvent + netSeconds
  return { ...keyOf({ kind: 'event', id }), j: { S: json }, a: { N: String(at) }, ttl: { N: String(ttl) } }
}

export function carriedList(carried: readonly Carried[]): AttributeValue {
  return { L: carried.map(({ id, json, at }) => ({ M: { i: { S: id }, j: { S: json }, a: { N: String(at) } } })) }
}

export function carriedIn(item: Item | undefined): readonly Carried[] {
  return (item?.['ob']?.L ?? []).map(({ M }) => ({
    id: M?.['i']?.S ?? '',
    json: M?.['j']?.S ?? '',
    at: Number(M?.['a']?.N),
  }))
}

export function ownersAttribute(owners: readonly string[]): AttributeValue {
  return { S: JSON.stringify([...new Set(owners)]) }
}

/** The record that an item holds; undefined for an item that holds none. */
export function storedIn(ref: Ref, item: Item | undefined): StoredItem | undefined {
  const { v, j, x, o } = item ?? {}
  if (v?.S === undefined || j?.S === undefined) return undefined
  // This adapter alone writes these attributes.
  const value = JSON.parse(j.S) as StoredRecord['value']
  const plain = { kind: ref.kind, id: ref.id, version: v.S, value }
  return {
    record: x?.N === undefined ? plain : { ...plain, expiresAt: Number(x.N) },
    owners: o?.S === undefined ? [] : (JSON.parse(o.S) as string[]),
    carried: carriedIn(item),
  }
}

export function eventIn(id: string, item: Item | undefined, eventTtl: Seconds): StoredRecord | undefined {
  const { j, a } = item ?? {}
  if (j?.S === undefined) return undefined
  return eventRecord({ id, json: j.S, at: Number(a?.N) }, eventTtl)
}

export function eventRecord({ id, json, at }: Carried, eventTtl: Seconds): StoredRecord {
  const value = JSON.parse(json) as AuditEvent
  return { kind: 'event', id, version: id, value, expiresAt: at + eventTtl }
}
