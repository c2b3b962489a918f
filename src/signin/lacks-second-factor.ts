import { findFactors } from '../accounts/find-factors.ts'
import type { AccountsContext } from '../accounts/context.ts'
import { meetsContext } from '../domain/authentication-context.ts'
import { hasSecondFactor } from '../domain/factors.ts'
import type { SignedIn } from '../domain/next-step.ts'

/** Whether somebody has a second factor that this session of his never showed. */
export async function lacksSecondFactor(
  context: Pick<AccountsContext, 'transition' | 'clock'>,
  { session, user }: Pick<SignedIn, 'session' | 'user'>,
): Promise<boolean> {
  return !meetsContext('mfa', session) && hasSecondFactor(await findFactors(context, user.userId))
}
