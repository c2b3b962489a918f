import type { EpochSeconds } from '../protocol/time.ts'

/** How far one process has brought its events to the audit sink: what another delivers anew when that one is silent. */
export type Post = {
  readonly v: 1
  /** In milliseconds: every event whose id is of an earlier moment is delivered. */
  readonly since: number
  readonly beatAt: EpochSeconds
}
