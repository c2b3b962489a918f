import type { PasswordPool } from '../crypto/password-pool.ts'
import type { Random } from '../crypto/random.ts'
import type { Keys } from '../keys/keys.ts'
import type { Protection } from '../keys/protection.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'
import type { CookieScheme } from '../protocol/cookies.ts'
import type { Clock } from '../protocol/time.ts'
import type { Limits } from '../limits/limits.ts'
import type { Directory } from '../store/directory.ts'
import type { TransitionContext } from '../store/transition.ts'

/** What checking a password needs of the house. */
export type PasswordContext = {
  readonly clock: Clock
  readonly random: Random
  readonly transition: TransitionContext
  readonly directory: Directory
  readonly limits: Limits
  readonly passwords: PasswordPool
}

/** What checking a second factor needs of the house. */
export type FactorContext = Pick<PasswordContext, 'clock' | 'random' | 'transition' | 'limits'> & {
  readonly protection: () => Promise<Protection>
}

/** What knowing a browser needs of the house. */
export type BrowserContext = {
  readonly issuer: string
  readonly clock: Clock
  readonly random: Random
  readonly transition: TransitionContext
  readonly directory: Directory
  readonly keys: TokenKeys & Pick<Keys, 'learn'>
}

/** `__Host-` cookies on https; plain names only on loopback http, where browsers refuse the prefix. */
export function schemeOf(context: Pick<BrowserContext, 'issuer'>): CookieScheme {
  return context.issuer.startsWith('https:') ? 'https' : 'http'
}
