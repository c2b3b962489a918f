import type { EpochSeconds } from '../protocol/time.ts'
import type { Recall } from './recall.ts'

/** The one record that says whose store this is. Its id is `self`. */
export type Instance = {
  readonly v: 1
  readonly instanceId: string
  /** Moves at every restore, so that what was alive before stays dead. */
  readonly generation: number
  /** Bumping it kills every token of everybody. */
  readonly epoch: number
  /** The latest time at which this store is known to have been served. */
  readonly highWaterAt: EpochSeconds
  readonly createdAt: EpochSeconds
  /** The issuer of the server that last opened it: a command beside that one, told of none, takes it. */
  readonly servedAs?: string
  /** When it was last brought back from a backup, or had lost commits: what may happen once and was made before then may have happened. */
  readonly restoredAt?: EpochSeconds
  /** By provider, the last time that all of its connections were ended. */
  readonly recalls?: Readonly<Record<string, Recall>>
}
