import type { EpochSeconds } from '../protocol/time.ts'
import type { Kind, Ref, StoredRecord, Version, Write } from '../domain/record.ts'

/** A write as it reaches an adapter: every `put` carries the new version stamp, chosen above the port. */
export type StampedWrite =
  | (Extract<Write, { op: 'put' }> & { readonly version: Version })
  | Exclude<Write, { op: 'put' }>

export type Page = {
  readonly records: readonly StoredRecord[]
  /** Key to go on after, or null at the end. */
  readonly next: string | null
}

/** The five verbs that every request path needs. See docs/decisions for why there are no more. */
export type Store = {
  /** Records by reference, in the order asked, strongly consistent, one round trip. May return expired ones. */
  readonly read: (refs: readonly Ref[]) => Promise<readonly (StoredRecord | undefined)[]>
  /**
   * All of it happens, or none. Resolves only once durable.
   * Throws StoreUnavailable; with outcome `unknown` the caller reads the stamps back to learn what happened.
   */
  readonly commit: (writes: readonly StampedWrite[]) => Promise<'committed' | 'conflict'>
  /** A page of one owner's records of one kind, in bytewise key order. Never the basis of a decision. */
  readonly list: (kind: Kind, owner: string, page: { readonly after?: string; readonly limit: number }) => Promise<Page>
  /** Delete records that expired before `now`, at most `limit`. Returns how many. */
  readonly sweep: (now: EpochSeconds, limit: number) => Promise<number>
}

/** What operating a store needs beyond requests. Opening is the adapter's own function. */
export type StoreAdmin = {
  /** Every record of one kind (all owners), in key order, from one snapshot. */
  readonly scan: (kind: Kind) => AsyncIterable<StoredRecord & { readonly owners: readonly string[] }>
  /** Resolves if the store answers; throws StoreUnavailable otherwise. */
  readonly ping: () => Promise<void>
  /** Full integrity check: findings in words, none if sound. */
  readonly verify: () => Promise<readonly string[]>
  /**
   * Refs that changed (through `change` records) since `cursor`, and the new cursor; `cursor` undefined asks only for the newest cursor.
   * 'lost' if the feed no longer reaches back that far: forget everything.
   */
  readonly changes: (
    cursor: string | undefined,
  ) => { readonly cursor: string; readonly forget: readonly Ref[] | 'lost' } | Promise<{ readonly cursor: string; readonly forget: readonly Ref[] | 'lost' }>
  /** Whether `changes` is synchronous and exact at each call (embedded stores), or must be polled under a lease. */
  readonly changesAre: 'exact' | 'polled'
  readonly close: () => Promise<void>
}

export type OpenStore = { readonly store: Store; readonly admin: StoreAdmin }
