/** Where copies of events go, a JSON line each. Every promise may hang: whoever waits sets the deadline. */
export type EventSink = {
  /** Resolves when the lines are where nothing loses them. */
  readonly deliver: (lines: string) => Promise<void>
  /** Whether it would take something now. Rejects if not. */
  readonly probe: () => Promise<void>
  readonly close: () => Promise<void>
}

/** What it said no with, for the log: a closed vocabulary and codes of the system, never an address or what was sent. */
export class SinkFailed extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'SinkFailed'
  }
}
