import { put, ref, remove, type Decision } from '../domain/record.ts'
import { isFor } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import { transition } from '../store/transition.ts'
import type { Outcome, PasswordsContext } from './context.ts'
import { findUser } from './find-user.ts'
import { letterUsed } from './letter-used.ts'
import { paperwork } from './paperwork.ts'
import { passwordProblem } from './password-policy.ts'
import { withPassword } from './user-steps.ts'

/**
 * A new password for whoever read the letter. Once: the ticket goes in the same commit, and so does every session and token, by
 * the epoch. A letter from before another change of the account is worth nothing any more.
 */
export async function resetPassword(
  context: PasswordsContext,
  { ticketId, userId, password }: { readonly ticketId: string; readonly userId: string; readonly password: string },
): Promise<Outcome<User>> {
  const before = await findUser(context, userId)
  if (before === undefined) return { refused: letterUsed }
  const about = [before.username.toLowerCase(), before.fullName ?? '', before.email ?? '', 'gatehouse']
  const weak = await passwordProblem(context.strength, password, about)
  if (weak !== undefined) return { refused: weak }
  const passwordHash = await context.passwords.hash(password)
  const nowMillis = context.clock.millis()
  const papers = paperwork(context, { type: 'user.password_changed', userId }, [ref('user', userId)])
  return transition(
    context.transition,
    { ticket: ref('ticket', ticketId), user: ref('user', userId) },
    ({ ticket, user: slot }, now): Decision<Outcome<User>> => {
      const user = slot.value
      const addressee = ticket.value?.purpose === 'recover' ? ticket.value.addressee : undefined
      if (user === undefined || user.locked || !isFor(addressee, user))
        return { writes: [], result: { refused: letterUsed } }
      const after = { ...withPassword(user, passwordHash, nowMillis), updatedAt: now }
      return {
        writes: [...remove(ticket), put(slot, after, { expiresAt: null }), ...papers(now)],
        result: { done: after },
      }
    },
  )
}
