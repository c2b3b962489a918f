import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import type { Authentication } from './grant.ts'

/** What a caveat wants this server to confirm: that this person signed in, this recently and in these ways. */
export type SignInPromise = {
  readonly userId: string
  readonly maxAge: Seconds
  /** Authentication methods that all must have been used (RFC 8176). */
  readonly amr: readonly string[]
}

export type PromiseVerdict = 'met' | 'other_user' | 'too_old' | 'method_missing'

/** Whether a sign-in keeps the promise. Clocks of our own nodes may differ by a minute, so one from the near future is one of now. */
export function judgePromise(
  promise: SignInPromise,
  signIn: { readonly userId: string; readonly authentication: Pick<Authentication, 'authTime' | 'amr'> },
  now: EpochSeconds,
): PromiseVerdict {
  if (signIn.userId !== promise.userId) return 'other_user'
  const { authTime } = signIn.authentication
  if (authTime === undefined || now - authTime > promise.maxAge) return 'too_old'
  return promise.amr.every((method) => signIn.authentication.amr.includes(method)) ? 'met' : 'method_missing'
}
