import { askedName, findUserAsked } from '../accounts/find-user.ts'
import { requestLetter, type LettersContext } from '../accounts/request-letter.ts'
import { recordRefusal } from '../audit/refusals.ts'
import { equalDigests } from '../crypto/equal-digests.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { check, put, ref, remove, type Decision } from '../domain/record.ts'
import { isFor } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import type { Keys } from '../keys/keys.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import { refuse, throttled, type Refusal } from '../protocol/errors.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import { isMailCode, mailCode } from '../tokens/mail-code.ts'
import type { PasswordContext } from './context.ts'
import type { KnownDevice } from './known-devices.ts'

type MailCodeContext = LettersContext & Pick<PasswordContext, 'limits'> & { readonly keys: Pick<Keys, 'learn'> }

/** H17: of a hundred million codes one fits, and that for ten minutes. */
const mostWrong = 5

export type CodeRequest = {
  /** User name or address, as typed. */
  readonly asked: string
  readonly browserHash: string
  readonly language: string
  readonly address: string
  readonly devices: readonly KnownDevice[]
}

/**
 * Ask for a letter with a code. It costs and says the same whether there is such an account or not (H02). What strangers ask for
 * doesn't count where the account signed in before: they can't keep its person out.
 */
export async function askForCode(
  context: MailCodeContext,
  { asked, browserHash, language, address, devices }: CodeRequest,
): Promise<{ readonly ticketId: string } | Refusal> {
  const account = askedName(asked)
  const user = devices.length === 0 ? undefined : await findUserAsked(context, asked)
  const device = devices.find(({ userId }) => userId === user?.userId)
  const reserved =
    device === undefined
      ? context.limits.reserve('mail-code', [account, address])
      : context.limits.reserve('mail-code-known', [account, device.nonce, address])
  if ('retryAfterSeconds' in reserved) return throttled(reserved.retryAfterSeconds)
  const ticketId = await requestLetter(context, {
    ticket: { purpose: 'sign-in', asked, browserHash, wrong: 0, ...(device !== undefined && { known: true }) },
    ttl: lifetimes.mailCode,
    language,
    address,
  })
  return { ticketId }
}

export type CodeAttempt = {
  readonly ticketId: string
  readonly code: string
  readonly browserHash: string
  readonly address: string
}

/**
 * Redeem a code: once, in the browser that asked, by the account as it was when the letter was written (locking it is a change). After five wrong ones the
 * ticket is gone, and nothing but the ticket: whoever guesses locks nobody out. A refusal: nobody has told this process the key yet, and nothing is counted.
 */
export async function redeemCode(
  context: MailCodeContext,
  attempt: CodeAttempt,
): Promise<User | 'wrong' | 'gone' | Refusal> {
  const { ticketId, browserHash } = attempt
  for (;;) {
    const before = await readAlive(context.transition.store, ref('ticket', ticketId), context.clock.seconds())
    if (before?.purpose !== 'sign-in' || !equalDigests(before.browserHash, browserHash)) return 'gone'
    const code = await readWithNewest(context.keys, () => mailCode(context.keys, ticketId, before))
    // Before anything is counted: the code may be right, and another node may have the key.
    if (code === undefined) return { ...refuse('temporarily_unavailable', 'mail_code_key'), retryAfter: 1 }
    const fits = isMailCode(code, attempt.code)
    const userId = before.addressee?.userId
    const result = await transition(
      context.transition,
      { ticket: ref('ticket', ticketId), user: ref('user', userId ?? 'nobody') },
      ({ ticket, user }): Decision<User | 'wrong' | 'gone' | 'moved'> => {
        const found = ticket.value
        if (found?.purpose !== 'sign-in') return { writes: [], result: 'gone' }
        if (found.addressee?.userId !== userId) return { writes: [], result: 'moved' }
        if (fits && user.value !== undefined && isFor(found.addressee, user.value))
          return { writes: [...remove(ticket), check(user)], result: user.value }
        const wrong = found.wrong + 1
        if (wrong >= mostWrong) return { writes: remove(ticket), result: 'gone' }
        const noted = put(ticket, { ...found, wrong }, { expiresAt: found.createdAt + lifetimes.mailCode })
        return { writes: [noted], result: 'wrong' }
      },
    )
    if (result === 'moved') continue
    if (result === 'wrong' || result === 'gone') {
      const reason = 'mail_code_wrong'
      await recordRefusal(context, {
        type: 'signin.failed',
        ...(userId !== undefined && { userId }),
        address: attempt.address,
        reason,
      })
    }
    return result
  }
}

/** As the operator is told of it. */
export const wrongCode: Refusal = refuse('invalid_grant', 'mail_code_wrong')
