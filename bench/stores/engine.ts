/** What a store did so far, by its own count or the kernel's. Absent: it can't be known here. */
export type Counters = {
  /** Of the database server; an embedded store has none of its own. */
  readonly cpuMicroseconds: number
  /** To disk: log and data. */
  readonly writtenBytes: number
  readonly fsyncs: number
  /** Requests from us to it, each answered before what depends on it goes on. */
  readonly roundTrips: number
  /** What Amazon bills; on DynamoDB alone. */
  readonly writeUnits?: number
  readonly readUnits?: number
}

/** A database under both sides. */
export type Engine = {
  readonly name: string
  readonly title: string
  /** How many ask at once, where what stands for the store here doesn't bear what the others do. */
  readonly atOnce?: readonly number[]
  /** For the server, whose process is `pid`: where to store, and what else to set. */
  readonly environment: Readonly<Record<string, string>>
  readonly counters: (pid: number) => Promise<Counters>
  /** The physical limit: one durable commit of so many rows of a grant's size, each replaced by its key. */
  readonly openRaw: () => Promise<RawStore>
  readonly stop: () => Promise<void>
}

export type RawStore = {
  readonly write: (ids: readonly string[], value: string) => Promise<void>
  readonly close: () => Promise<void>
}
