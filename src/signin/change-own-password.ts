import type { Outcome, PasswordsContext } from '../accounts/context.ts'
import { findFactors } from '../accounts/find-factors.ts'
import { patchUser } from '../accounts/patch-user.ts'
import type { LettersContext } from '../accounts/request-letter.ts'
import type { Actor } from '../domain/authority.ts'
import type { Imprint } from '../domain/grant.ts'
import { ref } from '../domain/record.ts'
import { standsInForPassword } from '../domain/stands-in-for-password.ts'
import type { User } from '../domain/user.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/time.ts'
import { readAlive } from '../store/read-alive.ts'
import type { PasswordContext } from './context.ts'
import { verifyPassword } from './password.ts'

type ChangeContext = PasswordContext & PasswordsContext & LettersContext

export type OwnPasswordChange = {
  readonly actor: Actor
  readonly user: User
  /** The browser session in which it is done, or that the token came of: it goes on. Absent: there is none. */
  readonly sessionId: string | undefined
  /** Of the cookie that this session has from then on. Absent: whoever asks can't be given one. */
  readonly imprint?: Imprint
  /** Of the token that was shown, where one was. */
  readonly grantId?: string
  /** Whether that session's sign-in may stand in for the current password. Never by what a script may hold. */
  readonly maySignInDo: boolean
  /** As it was typed. Absent: it wasn't. */
  readonly current: string | undefined
  readonly wanted: string
  readonly address: string
}

/** Why nobody knows that it is this person. `needed`: neither his password nor a sign-in that stands in for it. */
export type Unproved = { readonly unproved: 'needed' | 'wrong' | 'renamed' } | { readonly retryAfter: Seconds }

/**
 * A person changes his own password, on the page and over REST: by the current one, or by a sign-in of the last minutes
 * (docs/decisions/0022). What was typed must be right, however fresh the sign-in is. That whoever has no password yet signed in
 * recently, and that a second factor was shown where there is one, callers have made sure of.
 */
export async function changeOwnPassword(
  context: ChangeContext,
  change: OwnPasswordChange,
): Promise<Outcome<User> | Unproved> {
  const { actor, user, sessionId, grantId, imprint, wanted, address } = change
  const { userId } = user
  // As with every change of a credential: each is a letter, and work that others wait behind.
  const room = context.limits.reserve('credential-change', [userId, address])
  if ('retryAfterSeconds' in room) return { retryAfter: room.retryAfterSeconds }
  const proved = user.passwordHash === undefined ? 'nothing to name' : await proofOf(context, change)
  if (typeof proved !== 'string') {
    room.forgive()
    return proved
  }
  // L4: of an account without a password nothing else says who asks either.
  const standsIn = proved !== 'password'
  const keep = sessionId === undefined ? undefined : { sessionId, standsIn, grantId, imprint }
  return patchUser(context, {
    actor,
    userId,
    patch: { password: wanted },
    own: true,
    ...(keep !== undefined && { keep }),
  })
}

async function proofOf(
  context: ChangeContext,
  { user, sessionId, maySignInDo, current, address }: OwnPasswordChange,
): Promise<'password' | 'sign-in' | Unproved> {
  if (current === undefined) {
    const does = maySignInDo && sessionId !== undefined && (await signInDoes(context, user, sessionId))
    return does ? 'sign-in' : { unproved: 'needed' }
  }
  // One check with sign-in: the same counters, the same event, the same time (H04, H05).
  const proved = await verifyPassword(context, { username: user.username, password: current, address })
  if (isRefusal(proved))
    return proved.retryAfter === undefined ? { unproved: 'wrong' } : { retryAfter: proved.retryAfter }
  // The name may have become somebody else's meanwhile.
  return proved.userId === user.userId ? 'password' : { unproved: 'renamed' }
}

/** Asked again in the commit; here, so that who has none is told what is missing. */
async function signInDoes(context: ChangeContext, user: User, sessionId: string): Promise<boolean> {
  const { transition, directory, clock } = context
  const now = clock.seconds()
  const [session, instance, factors] = await Promise.all([
    readAlive(transition.store, ref('session', sessionId), now),
    directory.instance(),
    findFactors(context, user.userId),
  ])
  return standsInForPassword({ session, user, instance, factors }, now)
}
