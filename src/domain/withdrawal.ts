import type { EpochSeconds } from '../protocol/time.ts'

/** A consent that was taken back and whose grants end one by one: it is there until the last of them has. */
export type Withdrawal = {
  readonly v: 1
  readonly userId: string
  readonly clientId: string
  /** Grants from afterwards are of another consent. */
  readonly at: EpochSeconds
  /** As audit events name whoever took it back. */
  readonly actor: string
  readonly address: string
}

/** In whose list every withdrawal stands. */
export const withdrawalsOwner = '*'
