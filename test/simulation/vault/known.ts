import type { Connection } from '../../../src/domain/connection.ts'
import type { Owner } from '../scheduler.ts'
import type { Told } from './provider.ts'

/** A request to renew, under way or heard of. */
export type Sent = {
  readonly node: Owner
  readonly connection: Known
  readonly token: string
  /** When its intent was written. */
  readonly claimedAt: number
  heard?: 'answer' | 'nothing'
}

/** What the tokens say that a record holds, opened. */
export type Opened = { readonly access: string; readonly refresh: string }

/** What a connection is in the reference model. */
export type Known = {
  readonly id: string
  stored: Connection | undefined
  kept: (Told & Opened) | undefined
  /** Every edition that was ever committed, by its access token. */
  readonly editions: Map<number, Told & Opened>
  /** Latest edition that was ever committed: no number comes again, after a restore neither. */
  highest: number
  /** Intents as they were written, and for which refresh token. */
  claims: { readonly node: Owner; readonly token: string; readonly at: number }[]
  /** When somebody was told that it is over: for good, or until it is connected anew. */
  endTold?: number | undefined
  reauthTold?: { readonly order: number; readonly kept: Told | undefined } | undefined
  /** How many recalls there had been when it was started. */
  readonly recallsBefore: number
  /** The last order in which it needed its person. */
  brokenAt: number
  /** The latest edition that somebody was given, and when. */
  given: { readonly edition: number; readonly order: number }
}
