import type { Random } from '../crypto/random.ts'
import type { Keys } from '../keys/keys.ts'
import type { Outbound } from '../outbound/create-outbound.ts'
import type { Clock } from '../protocol/time.ts'
import type { TransitionContext } from '../store/transition.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'
import type { ServerCache } from './server-metadata.ts'

/** What talking to a provider needs of the house. */
export type UpstreamContext = {
  readonly clock: Clock
  readonly outbound: Outbound
  /** What discovery documents said, for as long as they are believed. */
  readonly upstreamServers: ServerCache
}

/** What sending a browser there and back needs besides. */
export type FlowContext = UpstreamContext & {
  readonly issuer: string
  readonly random: Random
  readonly transition: TransitionContext
  readonly keys: TokenKeys & Pick<Keys, 'learn'>
}
