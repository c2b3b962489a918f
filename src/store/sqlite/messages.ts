import type { EpochSeconds } from '../../protocol/time.ts'
import type { Batch } from './batch.ts'

/** How the writer thread is started. */
export type WriterOrders = {
  readonly path: string
  readonly quickCheck: boolean
  readonly walBytes: number
  readonly pages: number
  /** How long to wait for a locked file at the start. */
  readonly busyMillis: number
  /** Keeps the pauses of two processes apart. */
  readonly seed: number
  /** Rung (counted up) when the file may be opened, and after every order sent. */
  readonly bell: Int32Array<SharedArrayBuffer>
}

export type SweepOrder = {
  readonly now: EpochSeconds
  /** Events from before go. */
  readonly eventsBefore: EpochSeconds
  readonly limit: number
}

/** To the writer. Each is answered by exactly one reply before the next is sent. */
export type Order = Batch | SweepOrder | 'close'

export type UnitOutcome =
  | 'committed'
  | 'conflict'
  /** Nothing of it happened. */
  | { readonly refused: string }
  /** What became of it isn't known: only where another process carried it out. */
  | { readonly lost: string }

export type Swept = {
  readonly is: 'swept'
  readonly deleted: number
  /** Whether there may be more. */
  readonly more: boolean
}

/** From the writer. */
export type Reply =
  | { readonly is: 'ready' }
  | { readonly is: 'refused'; readonly why: string }
  /** The batch is durable, every unit of it. */
  | { readonly is: 'committed' }
  /** The batch is over, and what became of each unit. */
  | { readonly is: 'judged'; readonly outcomes: readonly UnitOutcome[] }
  /** Nothing of the batch happened. */
  | { readonly is: 'busy' }
  | { readonly is: 'declined'; readonly why: string }
  | Swept
  /** The writer is gone for good; what became of the batch isn't known. */
  | { readonly is: 'fatal'; readonly why: string }
