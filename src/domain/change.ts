import type { EpochSeconds } from '../protocol/time.ts'
import { create, ref, type Ref, type Write } from './record.ts'

/** Longer than any node goes without looking; one that slept longer forgets everything instead. */
const changeTtl = 10 * 60

/** Tell every node's memory to forget a record. Belongs into the same commit as the write that changes it. */
export function announce(id: string, forget: Ref, now: EpochSeconds): Write {
  return create(
    ref('change', id),
    { v: 1, forget: ref(forget.kind, forget.id) },
    { expiresAt: now + changeTtl, owners: ['*'] },
  )
}
