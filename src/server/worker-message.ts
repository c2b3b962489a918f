import type { AddressInfo } from 'node:net'
import type { UsersPolicy } from '../config/config.ts'
import type { Counting } from '../limits/limits.ts'
import type { WriterOrder, WriterReply } from '../store/port.ts'
import type { CounterName } from './metrics.ts'

/** What is counted, as it travels between processes: nothing but plain values. */
export type PlainSnapshot = {
  readonly routes: readonly {
    readonly method: string
    readonly route: string
    readonly statuses: readonly (readonly [number, number])[]
    readonly seconds: PlainDistribution
  }[]
  readonly issued: readonly (readonly [string, number])[]
  readonly refused: readonly (readonly [string, number])[]
  readonly commits: PlainDistribution
  readonly counters: readonly (readonly [CounterName, number])[]
  readonly gauges: readonly { readonly name: string; readonly help: string; readonly value: number }[]
}
export type PlainDistribution = {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
}

/** To a worker. */
export type ToWorker =
  /** Its configuration as `handConfig` writes it, with what holds for accounts by now; `port`: where the others listen already. */
  | { readonly is: 'begin'; readonly config: string; readonly port?: number }
  /** From now on this holds for accounts. */
  | { readonly is: 'follow'; readonly usersPolicy: UsersPolicy }
  | { readonly is: 'written'; readonly reply: WriterReply }
  | { readonly is: 'counting'; readonly counting: Counting }
  | { readonly is: 'count-up' }
  | { readonly is: 'stop'; readonly signal: string }

/** From a worker. */
export type FromWorker =
  | { readonly is: 'listening'; readonly address: AddressInfo }
  /** It can't start: for the operator, in our own words. */
  | { readonly is: 'refused'; readonly why: string }
  | { readonly is: 'write'; readonly order: WriterOrder }
  | { readonly is: 'counting'; readonly counting: Counting }
  | { readonly is: 'counted'; readonly snapshot: PlainSnapshot }
