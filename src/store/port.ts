import type { EpochSeconds } from '../protocol/time.ts'
import type { Kind, Ref, StoredRecord, Version, Write } from '../domain/record.ts'

/** A write as it reaches an adapter: every `put` carries the new version stamp, chosen above the port. */
export type StampedWrite =
  (Extract<Write, { op: 'put' }> & { readonly version: Version }) | Exclude<Write, { op: 'put' }>

/** A record with the lists in which it stands. */
export type OwnedRecord = StoredRecord & { readonly owners: readonly string[] }

export type Page = {
  readonly records: readonly StoredRecord[]
  /** Key to go on after, or null at the end. */
  readonly next: string | null
}

/**
 * The four verbs that every request path needs. Ids and owners are non-empty, well-formed Unicode, compared and sorted by their UTF-8 bytes.
 * An event is a record of kind `event` whose only owner is its bucket (`bucketOf`), that never changes, and that expires with the retention.
 */
export type Store = {
  /** Records by reference, in the order asked, strongly consistent, one round trip. May return expired ones. */
  readonly read: (refs: readonly Ref[]) => Promise<readonly (StoredRecord | undefined)[]>
  /**
   * All of it happens, or none; a record stands in at most one write. Resolves only once durable.
   * A `put` without owners leaves a record's owners as they were. An `append` whose id exists is a conflict.
   * Throws StoreUnavailable; with outcome `unknown` the caller reads the stamps back to learn what happened.
   */
  readonly commit: (writes: readonly StampedWrite[]) => Promise<'committed' | 'conflict'>
  /** A page of one owner's records of one kind, in key order. May hold expired ones. Never the basis of a decision. */
  readonly list: (kind: Kind, owner: string, page: { readonly after?: string; readonly limit: number }) => Promise<Page>
  /**
   * Delete records that expired before `now`, and events from before `eventsBefore` (unless said: those that are over by the usual
   * retention), at most `limit`, in steps that leave commits room. Returns how many.
   */
  readonly sweep: (now: EpochSeconds, limit: number, eventsBefore?: EpochSeconds) => Promise<number>
}

/** What caches must forget, and where to go on asking. `lost`: the feed no longer reaches back that far, forget everything. */
export type Changes = { readonly cursor: string; readonly forget: readonly Ref[] | 'lost' }

/** What operating a store needs beyond requests. Opening is the adapter's own function. */
export type StoreAdmin = {
  /** Every record of these kinds (all owners), one kind after the other, each in key order, all from one snapshot. */
  readonly scan: (...kinds: readonly Kind[]) => AsyncIterable<OwnedRecord>
  /** Set on an engine without snapshots: what `scan` yields isn't as of one moment. */
  readonly scansDrift?: true
  /** Resolves if the store answers and takes writes; throws StoreUnavailable otherwise. */
  readonly ping: () => Promise<void>
  /** Full integrity check: findings in words, none if sound. */
  readonly verify: () => Promise<readonly string[]>
  /** Refs that changed (through `change` records) since `cursor`; `cursor` undefined asks only for the newest cursor. */
  readonly changes: (cursor: string | undefined) => Changes | Promise<Changes>
  /**
   * `exact`: an embedded store, whose `changes` costs next to nothing and shows every commit that was answered in this
   * process, and every other process's by the next turn of the event loop. `polled`: it must be asked under a lease.
   */
  readonly changesAre: 'exact' | 'polled'
  /**
   * Set on an embedded store whose reads may share what they see: a request has arrived, and is shown what was committed before, by
   * another process a millisecond before. Called in the turn of the event loop that took it from its socket.
   */
  readonly arrival?: () => void
  /** Set on an embedded store: carries out what a worker process of this server, whose store was opened `through` us, wants written. */
  readonly writeFor?: (order: WriterOrder) => Promise<WriterReply>
  /** Waits for what was begun; afterwards everything is refused. */
  readonly close: () => Promise<void>
}

/** What passes between a worker's store and the one process that writes: plain values, whose meaning is the adapter's. */
export type WriterOrder = readonly (string | number | null)[] | { readonly [name: string]: number }
export type WriterReply = { readonly is: string }

/** The way from a worker's store to the process that writes. Each order is answered by exactly one reply before the next is sent. */
export type WriterLink = {
  readonly send: (order: WriterOrder) => void
  readonly onReply: (listener: (reply: WriterReply) => void) => void
}

export type OpenStore = { readonly store: Store; readonly admin: StoreAdmin }
