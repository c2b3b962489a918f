import type { EpochSeconds } from '../protocol/time.ts'
import type { RetentionHistory } from './retention.ts'
import { create, put, ref, type Decision, type Slot } from './record.ts'

/** What a seal binds of one event: its id, its time, and the hash of both with everything that it says. */
export type SealEntry = readonly [id: string, at: EpochSeconds, hash: string]

/**
 * One link of the chain over the audit events: it binds the entries of a batch and the hash of the link before. A seal
 * covers every id after `after` up to `through`, so that nothing fits in between unseen; a late one covers no ids of its own,
 * but events that came to light after their ids had been covered.
 */
export type Seal = {
  readonly v: 1
  /** From 1, without gaps. */
  readonly number: number
  /** Hash of the seal before; of the instance for the first one. */
  readonly previous: string
  readonly at: EpochSeconds
  readonly after: string
  readonly through: string
  readonly late: boolean
  readonly count: number
  /** Hash of the entries. */
  readonly root: string
  /** Until when it is kept: as long as any event that it, or one before it, binds. */
  readonly until: EpochSeconds
  /** The same of the seal before: whoever finds that one missing knows whether it may be. */
  readonly previousUntil: EpochSeconds
  /** How long events are kept and were; absent: as ever. Each seal repeats it, so that the oldest that is left says it too. */
  readonly retention?: RetentionHistory
}

/** The entries of the seal with the same id. */
export type Bound = { readonly v: 1; readonly entries: readonly SealEntry[] }

/** The head of the chain, which every seal moves: the fence between nodes that seal. Its id is `events`. */
export type Chain = {
  readonly v: 1
  readonly number: number
  readonly hash: string
  readonly through: string
  readonly until: EpochSeconds
  readonly retention?: RetentionHistory
  /** The last seal whose ids were looked at a second time, and how far the look at the next one has come. */
  readonly checked: number
  readonly checkedThrough: string
  /** The node that seals, and until when the others leave it to that. */
  readonly holder: string
  readonly heldUntil: EpochSeconds
}

/** Key order is the order of numbers. */
export const sealId = (number: number): string => number.toString(16).padStart(12, '0')

export const chainRef = ref('chain', 'events')

/** The chain of a store in which nothing was sealed yet. `genesis` is the hash of its instance. */
export const emptyChain = (genesis: string): Chain => ({
  v: 1,
  number: 0,
  hash: genesis,
  through: '',
  until: 0,
  checked: 0,
  checkedThrough: '',
  holder: '',
  heldUntil: 0,
})

export type ExtendChain = {
  /** The chain on which the work is based. */
  readonly from: Chain
  readonly holder: string
  readonly heldUntil: EpochSeconds
  readonly checked: number
  readonly checkedThrough: string
  /** Absent: only the second look moved. */
  readonly sealed?: { readonly seal: Seal; readonly hash: string; readonly entries: readonly SealEntry[] }
}

/** Moves the head, if nobody else has in the meantime: of two nodes that seal the same events one is told so. */
export function extendChain(
  slot: Slot<'chain'>,
  { from, sealed, ...moved }: ExtendChain,
): Decision<'extended' | 'overtaken'> {
  const found = slot.value
  const same =
    (found?.number ?? 0) === from.number &&
    (found?.checked ?? 0) === from.checked &&
    (found?.checkedThrough ?? '') === from.checkedThrough
  // The number alone would do for seals; the second look moves without one.
  if (!same || (found !== undefined && found.hash !== from.hash)) return { writes: [], result: 'overtaken' }
  const chain: Chain = {
    ...from,
    ...moved,
    ...(sealed !== undefined && {
      number: sealed.seal.number,
      hash: sealed.hash,
      through: sealed.seal.through,
      until: sealed.seal.until,
      ...(sealed.seal.retention !== undefined && { retention: sealed.seal.retention }),
    }),
  }
  const head = put(slot, chain, { expiresAt: null, owners: [] })
  if (sealed === undefined) return { writes: [head], result: 'extended' }
  const id = sealId(sealed.seal.number)
  const kept = { expiresAt: sealed.seal.until, owners: [] }
  return {
    writes: [
      head,
      create(ref('seal', id), sealed.seal, kept),
      create(ref('bound', id), { v: 1, entries: sealed.entries }, kept),
    ],
    result: 'extended',
  }
}
