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
)

export type Memory = { readonly idleBytes: number; readonly afterBytes: number; readonly tokens: number }
