import type { EpochSeconds } from '../protocol/time.ts'
import type { Instance } from './instance.ts'
import { lifetimes } from './lifetimes.ts'
import { put, type Decision, type Slot } from './record.ts'

/** The latest edition of a connection, apart from it: a row that is put back alone is older than that (L19). Its id is the connection's. */
export type Edition = { readonly v: 1; readonly edition: number }

/**
 * The latest edition that there was of a connection, by what stands apart from it. A restore was one for all that are older than it,
 * and a store that was backed up before the record came has none: the id, which the seal holds, says when the connection was begun.
 */
export function latestEdition(
  id: string,
  noted: number | undefined,
  { restoredAt = 0 }: Pick<Instance, 'restoredAt'>,
): number {
  const restored = restoredAt * 1000
  const isOlder = !id.includes(':') && Number.parseInt(id.slice(0, idTimeDigits), 16) < restored
  return Math.max(noted ?? 0, isOlder ? restored : 0)
}

/** The milliseconds at the beginning of a record's id, in hex. */
const idTimeDigits = 12

/** A decision, and beside it the edition that it leaves in the connection, if that is a later one; the first has none before it. It goes with the account whose connection it is. */
export function withEdition<R>(slot: Slot<'edition'>, decision: Decision<R>, now: EpochSeconds): Decision<R> {
  const latest = slot.value?.edition ?? 1
  const [left] = decision.writes.flatMap((write) =>
    write.op === 'put' &&
    write.kind === 'connection' &&
    write.id === slot.id &&
    'edition' in write.value &&
    'owner' in write.value
      ? [write.value]
      : [],
  )
  if (left?.edition === undefined) return decision
  // An end is later than all that there was, also where the row that ends was put back.
  const edition = left.state === 'revoked' ? Math.max(left.edition, latest + 1) : left.edition
  if (edition <= latest) return decision
  const owners = left.owner.kind === 'user' ? [left.owner.userId] : []
  const noted = put(slot, { v: 1, edition }, { expiresAt: now + lifetimes.event, owners })
  const writes = decision.writes.map((write) =>
    write.op === 'put' && write.value === left ? { ...write, value: { ...left, edition } } : write,
  )
  return { ...decision, writes: [...writes, noted] }
}
