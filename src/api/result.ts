import type { Problem } from '../protocol/problem.ts'
import type { Seconds } from '../protocol/time.ts'

/** How a call ends. An `Outcome` of `accounts/` is one. */
export type Result<T> =
  | {
      readonly done: T
      /** Path of what was made. */
      readonly location?: string
      /** It was there already: 200 instead of 201. */
      readonly found?: boolean
    }
  /** Written down, to be done later: 202, and nothing more is said. */
  | { readonly accepted: true }
  | Rejected

/** A call that ends in a no, whoever says it. */
export type Rejected = {
  readonly refused: Problem
  /** `WWW-Authenticate`: what the caller would have needed (RFC 6750 §3, RFC 9470 §3). */
  readonly challenge?: string
  /** Seconds to wait, where waiting helps. */
  readonly retryAfter?: Seconds
}
