import { lifetimes } from '../domain/lifetimes.ts'
import type { Write } from '../domain/record.ts'
import type { Notice } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import type { AccountsContext } from './context.ts'
import { newTicket, outgoingWrite, type LettersContext } from './request-letter.ts'

/** Without an outbox nobody is told: where no letters are sent, or where an account is only brought along. */
export type NoticesContext = LettersContext | (AccountsContext & { readonly outbox: undefined })

/**
 * A letter that tells somebody what happened to his account, for the commit in which it happens: he may not be who did it. Only a
 * proved address is written to: an unproved one may be anybody's. Whoever commits it wakes the outbox.
 */
export function noticeWrites(context: NoticesContext, user: User | undefined, notice: Notice): readonly Write[] {
  if (user?.email === undefined || !user.emailVerified || context.outbox === undefined) return []
  const { ticketId, writes } = newTicket(context, {
    ticket: { purpose: notice, to: user.email, username: user.username },
    ttl: lifetimes.confirmation,
    owners: [user.userId],
  })
  return [...writes, outgoingWrite(context, ticketId, user.language ?? 'en')]
}
