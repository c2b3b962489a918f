/** Whole seconds since 1970-01-01T00:00:00Z (RFC 7519 §2 NumericDate without fraction). */
export type EpochSeconds = number

/** A span of whole seconds. */
export type Seconds = number

/** How far the clocks of two machines may differ: our own nodes, or ours and a client's. The only tolerance there is. */
export const clockTolerance: Seconds = 60

/** The injected clock. Wall time for lifetimes, monotonic time for leases and measurements. */
export type Clock = {
  /** Milliseconds since 1970. */
  readonly millis: () => number
  /** Whole seconds since 1970. */
  readonly seconds: () => EpochSeconds
  /** Milliseconds from an arbitrary start that never run backwards. */
  readonly monotonic: () => number
  /** How far this clock leads the wall's, which was set back. */
  readonly aheadOfWall?: () => Seconds
  /** Somebody else saw this time already: go on from there, unless it is more than a day away. */
  readonly notBefore?: (time: EpochSeconds) => void
}
