import type { Kind, Ref, StoredRecord } from '../../domain/record.ts'
import type { EpochSeconds } from '../../protocol/time.ts'
import type { OwnedRecord } from '../port.ts'
import type { StoreRefused } from '../refused.ts'
import type { AttemptFailed } from './attempt-failed.ts'
import type { Link, Outcome } from './judge.ts'
import type { Pooled } from './pool.ts'
import type { FetchedRow } from './read-lanes.ts'
import type { Unit } from './unit.ts'

/** Where a page begins: after this key. */
export type From = { readonly after: string; readonly limit: number }

/** Where in an attempt it happened: `before` the end of the transaction was asked for, when it was, or in a statement that is all of it. */
export type Stage = 'before' | 'commit' | 'single'

/**
 * What one kind of server needs said in its own words. Everything takes a connection and throws what the driver throws, unless
 * it says otherwise. Pages begin after a key (bytewise) and are in key order.
 */
export type Dialect<C extends Pooled> = {
  /** To the first host that takes writes. `patient` connections allow statements over everything. Throws AttemptFailed or StoreRefused. */
  readonly connect: (patience: 'request' | 'patient') => Promise<C>
  readonly failureOf: (error: unknown, stage: Stage) => AttemptFailed | StoreRefused
  /** Throws StoreRefused for tables that are another program's, or a newer one's, or that aren't there unless `create`. */
  readonly migrate: (connection: C, create: boolean) => Promise<void>
  /** Each unit all or nothing by itself, durable when it resolves. Throws AttemptFailed. */
  readonly applyBatch: (connection: C, units: readonly Unit[]) => Promise<readonly Outcome[]>
  readonly takesWrites: (connection: C) => Promise<boolean>

  /** The records that exist, by key, in one round trip. */
  readonly fetch: (connection: C, refs: readonly Ref[]) => Promise<ReadonlyMap<string, FetchedRow>>
  /** Of one owner; not for events. */
  readonly page: (
    connection: C,
    from: From & { readonly kind: Kind; readonly owner: string },
  ) => Promise<readonly StoredRecord[]>
  /** Whoever owns them; not for events. */
  readonly walk: (connection: C, from: From & { readonly kind: Kind }) => Promise<readonly OwnedRecord[]>
  readonly events: (connection: C, from: From & { readonly bucket: string }) => Promise<readonly StoredRecord[]>
  /** From now on the connection sees one state of everything. */
  readonly snapshot: (connection: C) => Promise<void>

  readonly newestChange: (connection: C) => Promise<{ readonly newest: number; readonly oldest: number | null }>
  readonly changes: (connection: C, after: number, upTo: number) => Promise<readonly Ref[]>

  /** In one transaction; passes over what somebody is at work on. */
  readonly sweepRecords: (
    connection: C,
    now: EpochSeconds,
    limit: number,
  ) => Promise<{ readonly looked: number; readonly deleted: number }>
  readonly sweepEvents: (
    connection: C,
    which: { readonly bucket: string; readonly before: EpochSeconds; readonly limit: number },
  ) => Promise<number>
  /** Only a beginning of the feed, so that whoever finds his next line there has missed none. */
  readonly sweepChanges: (connection: C, now: EpochSeconds) => Promise<void>

  /** As they stand in the tables, for checking. */
  readonly raw: {
    readonly records: (
      connection: C,
      after: { readonly kind: string; readonly id: string },
      limit: number,
    ) => Promise<
      readonly { readonly kind: string; readonly id: string; readonly value: string; readonly owners: string }[]
    >
    readonly events: (
      connection: C,
      from: From & { readonly bucket: string },
    ) => Promise<readonly { readonly id: string; readonly value: string }[]>
    /** With the owners of the record that each names, or null if there is none. */
    readonly links: (
      connection: C,
      after: RawLink,
      limit: number,
    ) => Promise<readonly (RawLink & { readonly owners: string | null })[]>
    /** Those of the given ones that stand in no list. */
    readonly unlinked: (connection: C, links: readonly RawLink[]) => Promise<readonly RawLink[]>
    /** Whether the feed's counter is there and not behind its lines. */
    readonly feedIsSound: (connection: C) => Promise<boolean>
  }
}

export type RawLink = { readonly [Part in keyof Link]: string }
