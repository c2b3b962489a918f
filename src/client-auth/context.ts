import type { Random } from '../crypto/random.ts'
import type { Clock } from '../protocol/time.ts'
import type { Protection } from '../keys/protection.ts'
import type { Limits } from '../limits/limits.ts'
import type { Directory } from '../store/directory.ts'
import type { TransitionContext } from '../store/transition.ts'

/** What authenticating a client needs of the house. */
export type ClientAuthContext = {
  readonly issuer: string
  /** Whether any proxy is configured: then nobody is provably local. */
  readonly trustsProxies: boolean
  readonly clock: Clock
  readonly random: Random
  readonly transition: TransitionContext
  readonly directory: Directory
  readonly limits: Limits
  readonly protection: () => Promise<Protection>
}
