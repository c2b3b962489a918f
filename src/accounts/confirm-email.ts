import { put, ref, remove, type Decision } from '../domain/record.ts'
import { isFor } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import { transition } from '../store/transition.ts'
import type { Outcome } from './context.ts'
import { emailRef, emailTaken } from './email-name.ts'
import { findUser } from './find-user.ts'
import { letterUsed } from './letter-used.ts'
import { noticeWrites } from './notice-writes.ts'
import { changeWrites } from './change-writes.ts'
import type { LettersContext } from './request-letter.ts'

export type Confirmation = {
  readonly ticketId: string
  readonly userId: string
  readonly email: string
  /** Of the page on which it is confirmed. */
  readonly language: string
}

/**
 * The letter reached its address: from now on it is the account's, and nobody else's. H18: until now the established one was. Asked
 * for before a change of password or of the address, it is worth nothing: whoever asked may have been put out since.
 */
export async function confirmEmail(
  context: LettersContext,
  { ticketId, userId, email, language }: Confirmation,
): Promise<Outcome<User>> {
  const trail = changeWrites(context, { type: 'user.email_confirmed', userId }, [ref('user', userId)])
  for (;;) {
    const before = await findUser(context, userId)
    const old = emailRef(before?.email ?? '')
    const target = emailRef(email)
    // Whoever reads the established address hears of it: he may not be who changed it.
    const farewell = noticeWrites(context, before, 'user.email_changed')
    const result = await transition(
      context.transition,
      // The same record can't be asked for twice.
      {
        ticket: ref('ticket', ticketId),
        user: ref('user', userId),
        to: target,
        from: old.id === target.id ? ref('name', 'email:') : old,
      },
      ({ ticket, user: slot, to, from }, now): Decision<Outcome<User> | 'changed meanwhile'> => {
        const user = slot.value
        const addressee = ticket.value?.purpose === 'confirm-email' ? ticket.value.addressee : undefined
        if (user === undefined || user.locked || !isFor(addressee, user))
          return { writes: [], result: { refused: letterUsed } }
        if (user.email !== before?.email) return { writes: [], result: 'changed meanwhile' }
        if (to.value !== undefined && to.value.target !== userId)
          return { writes: remove(ticket), result: { refused: emailTaken } }
        const after: User = { ...user, email, emailVerified: true, language, updatedAt: now }
        return {
          writes: [
            ...remove(ticket),
            put(slot, after, { expiresAt: null }),
            put(to, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
            ...(from.value?.target === userId ? remove(from) : []),
            ...(old.id === target.id ? [] : farewell),
            ...trail(now),
          ],
          result: { done: after },
        }
      },
    )
    if (result === 'changed meanwhile') continue
    if ('done' in result) context.outbox?.wake()
    return result
  }
}
