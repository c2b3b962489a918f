import type { RefreshFailure } from '../domain/connection.ts'
import type { Keys } from '../keys/keys.ts'
import type { Reason } from '../protocol/reasons.ts'
import type { Seconds } from '../protocol/time.ts'
import type { Directory } from '../store/directory.ts'
import type { Later } from '../store/lease.ts'
import type { TransitionContext } from '../store/transition.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'
import type { Upstream } from '../upstream/create-upstream.ts'
import type { RevocationContext } from '../upstream/new-revocation.ts'
import type { Breaker } from './breaker.ts'
import type { Sightings } from './sightings.ts'

/** What keeping connections needs of the house. */
export type VaultContext = RevocationContext & {
  readonly issuer: string
  readonly transition: TransitionContext
  readonly directory: Directory
  readonly upstream: Upstream
  readonly keys: TokenKeys & Pick<Keys, 'learn'>
  /** In place of the timers of this process. */
  readonly later?: Later
}

/** Why there is no token just now, though nothing is wrong with the connection as far as anybody knows. */
export type Unavailability = RefreshFailure['reason'] | Extract<Reason, 'connection_key'>

/** What somebody who runs this server has to know of a provider. Holds nothing that was sent. */
export type Trouble = {
  readonly what: 'refresh' | 'give-back'
  readonly provider: string
  /** Id. */
  readonly connection: string
  readonly reason: Unavailability
  /** As in `RefreshFailure`; of a key, its id. */
  readonly why: string
}

/** Nobody was asked for a new token, and nobody will be for so long. */
export type LeftAlone = { readonly retryAfter: Seconds; readonly reason: Unavailability }

/** What one process knows besides, and may forget. */
export type VaultMemory = {
  readonly sightings: Sightings
  readonly breaker: Breaker
  /** Renewals under way here, by connection. */
  readonly renewals: Map<string, Promise<LeftAlone | undefined>>
  /** Once for each failure, however many wait for it. */
  readonly onTrouble: (trouble: Trouble) => void
  /** Says that there is something to give back. */
  readonly giveBack: () => void
}
