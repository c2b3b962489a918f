import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { ref, type Ref, type Version, type Write } from '../../domain/record.ts'
import type { AuditEvent } from '../../domain/event.ts'
import type { StampedWrite, Store } from '../port.ts'

/** A time far from 1970 and from now, so that nothing works by accident. */
export const start = 2_000_000_000

type PutOptions = {
  readonly expect?: Version | null
  readonly owners?: readonly string[]
  readonly expiresAt?: number | null
}

/** A lease stands for any record: what it holds is one text. Four parameters, as the suite reads them in their order a hundred times. */
export function putLease(id: string, holder: string, version: Version, options: PutOptions = {}): StampedWrite {
  const { expect = null, expiresAt = null, owners } = options
  const write = { op: 'put', kind: 'lease', id, expect, value: { v: 1, holder }, expiresAt, version } as const
  return owners === undefined ? write : { ...write, owners }
}

export function lease(id: string): Ref<'lease'> {
  return ref('lease', id)
}

export function event(id: string, at: number = start): Extract<Write, { op: 'append' }> {
  const value: AuditEvent = { v: 1, type: 'token.issued', at, jti: id }
  return { op: 'append', id, event: value }
}

/** What the lease holds, or undefined if there is none. */
export async function holderOf(store: Store, id: string): Promise<string | undefined> {
  const [found] = await store.read([lease(id)])
  return found !== undefined && 'holder' in found.value ? found.value.holder : undefined
}

export async function exists(store: Store, target: Ref): Promise<boolean> {
  const [found] = await store.read([target])
  return found !== undefined
}

/** Stamps that are never the same twice, and tell their order. */
export function countingStamps(prefix = 'stamp'): { readonly stamp: () => string } {
  let count = 0
  return { stamp: () => `${prefix}-${(count += 1)}` }
}

/** All ids of a list, page by page. */
export async function listAll(store: Store, owner: string, limit: number): Promise<readonly string[]> {
  const ids: string[] = []
  for (let after: string | undefined; ;) {
    const page = await store.list('lease', owner, after === undefined ? { limit } : { after, limit })
    ids.push(...page.records.map(({ id }) => id))
    if (page.next === null) return ids
    after = page.next
  }
}

/** Many records in commits of the size that decisions have: DynamoDB takes a hundred items at once, links included. */
export async function commitInParts(store: Store, writes: readonly StampedWrite[]): Promise<void> {
  const part = 25
  for (let index = 0; index < writes.length; index += part)
    assert.equal(await store.commit(writes.slice(index, index + part)), 'committed')
}

/** True as soon as the record is there; false if it isn't within two seconds. */
export async function appears(store: Store, target: Ref): Promise<boolean> {
  for (let looks = 0; looks < 100; looks += 1) {
    if (await exists(store, target)) return true
    await pause(20)
  }
  return false
}
