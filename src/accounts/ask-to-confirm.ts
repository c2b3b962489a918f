import { lifetimes } from '../domain/lifetimes.ts'
import { addresseeOf } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import type { Blocked, Limits } from '../limits/limits.ts'
import { emailRef } from './email-name.ts'
import { requestLetter, type LettersContext } from './request-letter.ts'

export type AddressWish = {
  readonly user: User
  readonly email: string
  /** Of the letter. */
  readonly language: string
  /** Where the wish comes from. */
  readonly address: string
}

/**
 * Somebody wants another address: whoever reads letters there is asked first, and until he answers the established one stays (H18).
 * It may be anybody's, so that what it gets is counted by itself: one person's many accounts don't fill a stranger's mailbox.
 */
export async function askToConfirm(
  context: LettersContext & { readonly limits: Limits },
  { user, email, language, address }: AddressWish,
): Promise<Blocked | 'asked'> {
  const { userId } = user
  const own = context.limits.reserve('letter', [userId, address])
  if ('retryAfterSeconds' in own) return own
  const theirs = context.limits.reserve('letter-to', [emailRef(email).id])
  if ('retryAfterSeconds' in theirs) {
    own.forgive()
    return theirs
  }
  const ticket = { purpose: 'confirm-email', addressee: addresseeOf(user), email } as const
  await requestLetter(context, { ticket, ttl: lifetimes.confirmation, language, address, userId })
  return 'asked'
}
