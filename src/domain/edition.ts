import type { EpochSeconds } from '../protocol/time.ts'
import { lifetimes } from './lifetimes.ts'
import { put, type Decision, type Slot } from './record.ts'

/** The latest edition of a connection, apart from it: a row that is put back alone is older than that (L19). Its id is the connection's. */
export type Edition = { readonly v: 1; readonly edition: number }

/**
 * A decision, and beside it the edition that it leaves in the connection, if that is a later one; the first has none before it. What a
 * site gave counts by time, and its id names an account, of which nothing stays behind.
 */
export function withEdition<R>(slot: Slot<'edition'>, decision: Decision<R>, now: EpochSeconds): Decision<R> {
  const latest = slot.value?.edition ?? 1
  const left = decision.writes.flatMap((write) =>
    write.op === 'put' && write.kind === 'connection' && write.id === slot.id && 'edition' in write.value
      ? [write.value.edition ?? 0]
      : [],
  )
  const edition = Math.max(latest, ...left)
  if (edition === latest || slot.id.includes(':')) return decision
  const noted = put(slot, { v: 1, edition }, { expiresAt: now + lifetimes.event, owners: [] })
  return { ...decision, writes: [...decision.writes, noted] }
}
