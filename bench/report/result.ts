import type { Outcome } from '../load/main.ts'
import type { Machine } from '../measure/machine.ts'

/** What one scenario leaves behind, as JSON: every round, so that anybody can compute something else from it. */
export type Result = {
  readonly name: string
  readonly what: string
  readonly command: string
  readonly when: string
  readonly machine: Machine
  readonly sides: readonly SideResult[]
}

export type SideResult = {
  readonly side: string
  readonly title: string
  readonly note?: string
  readonly target?: { readonly reach: number; readonly moonshot: number }
  /** Which share of our own throughput this side is to keep. */
  readonly keeps?: { readonly reach: number; readonly moonshot: number; readonly cores?: number }
} & (
  | { readonly rounds: readonly Outcome[] }
  | { readonly startMilliseconds: readonly number[] }
  | { readonly memory: Memory }
  | { readonly figures: readonly Figure[] }
)

/** One figure of a bench that has no rounds of load: what it is, beside what, and where a limit is set, which. */
export type Figure = {
  readonly what: string
  readonly ours: number
  readonly unit: string
  readonly beside?: { readonly what: string; readonly value: number }
  /** Ours may be so much at most. */
  readonly most?: number
  /** Ours ÷ the other may be so much at most. */
  readonly mostTimes?: number
}

export type Memory = { readonly idleBytes: number; readonly afterBytes: number; readonly tokens: number }
