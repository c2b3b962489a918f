import type { EpochSeconds } from '../protocol/time.ts'
import { meetsContext } from './authentication-context.ts'
import { hasSecondFactor, type Factors } from './factors.ts'
import type { Instance } from './instance.ts'
import { isSessionAlive, provedRecently } from './session-state.ts'
import type { Session } from './session.ts'
import type { User } from './user.ts'

/** A sign-in in a browser, and its account, each as it is stored now. Absent: it isn't there any more. */
export type SignInStanding = {
  readonly session: Session | undefined
  readonly user: User | undefined
  readonly instance: Instance | undefined
  readonly factors: Factors | undefined
}

/**
 * Whether a sign-in does in place of the current password for the person who chooses another one: he is still in, proved himself
 * within the last minutes, at a time that is known, and by a second factor where the account has one (docs/decisions/0022).
 */
export function standsInForPassword({ session, user, instance, factors }: SignInStanding, now: EpochSeconds): boolean {
  if (session === undefined || user === undefined || instance === undefined) return false
  if (!isSessionAlive({ session, user, instance }, now) || !provedRecently({ session, user }, now)) return false
  return !hasSecondFactor(factors) || meetsContext('mfa', session)
}
