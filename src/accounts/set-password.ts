import type { Actor } from '../domain/authority.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import type { User } from '../domain/user.ts'
import { problem } from '../protocol/problem.ts'
import { changeUser, noSuchUser } from './change-user.ts'
import type { Outcome, PasswordsContext } from './context.ts'
import { findUser } from './find-user.ts'
import { passwordProblem } from './password-policy.ts'
import { permit } from './permit.ts'

/**
 * Give an account a password. Whoever was signed in, and every token, is out: a password is changed because somebody may
 * know the old one. `own`: the person himself, whose old password the caller has checked.
 */
export async function setPassword(
  context: PasswordsContext,
  request: { readonly actor: Actor; readonly userId: string; readonly password: string; readonly own?: boolean },
): Promise<Outcome<User>> {
  const { actor, userId, password, own = false } = request
  const deed = (target: User) => ({ do: own ? ('change-self' as const) : ('change-user' as const), target })
  // Before the work of judging and hashing, so that nobody unentitled can cause it.
  const user = await findUser(context, userId)
  if (user === undefined) return { refused: noSuchUser }
  if (user.bot)
    return { refused: problem('invalid_field', { field: 'password', detail: 'a bot has no password; it gets tokens' }) }
  const refused =
    permit(actor, deed(user)) ??
    (await passwordProblem(context.strength, password, [
      user.username.toLowerCase(),
      user.fullName ?? '',
      user.email ?? '',
      'gatehouse',
    ]))
  if (refused !== undefined) return { refused }
  const passwordHash = await context.passwords.hash(password)
  return changeUser(context, {
    actor,
    userId,
    event: 'user.password_changed',
    deed,
    change: (found, nowMillis) => ({
      ...found,
      passwordHash,
      passwordChangedAt: Math.floor(nowMillis / 1000),
      epoch: bumpedEpoch(found.epoch, nowMillis),
    }),
  })
}
