import { eventWrite } from '../audit/event-write.ts'
import { create, ref, type Write } from '../domain/record.ts'
import type { TicketPurpose } from '../domain/ticket.ts'
import { lettersLive, outboxOwner, type Outbox } from '../mail/outbox.ts'
import type { Seconds } from '../protocol/time.ts'
import { commitNew } from '../store/transition.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'
import type { AccountsContext } from './context.ts'

export type LettersContext = AccountsContext & {
  readonly keys: TokenKeys
  /** Absent: this server sends no letters, and offers nothing that needs one. */
  readonly outbox: Outbox | undefined
}

export type LetterRequest = {
  readonly ticket: TicketPurpose
  readonly ttl: Seconds
  readonly language: string
  readonly address: string
  /** Whose account it is about, where that is known. */
  readonly userId?: string
}

/**
 * Write down that a letter is wanted, and return: whom it concerns, what it says and whether anybody gets it is found out by the
 * outbox. So the request does the very same for names that exist and names that don't.
 */
export async function requestLetter(context: LettersContext, request: LetterRequest): Promise<void> {
  await commitNew(context.transition, ticketWrites(context, request))
  context.outbox?.wake()
}

function ticketWrites(context: LettersContext, request: LetterRequest): readonly Write[] {
  const { clock, random, keys } = context
  const now = clock.seconds()
  const ticketId = random.id(clock.millis())
  const { userId } = request
  const ticket = {
    v: 1,
    nonce: random.text(16),
    keyId: keys.secret('mac').keyId,
    createdAt: now,
    ...request.ticket,
  } as const
  const outgoing = { v: 1, ticketId, language: request.language, attempts: 0, nextAt: now, createdAt: now } as const
  return [
    create(ref('ticket', ticketId), ticket, {
      expiresAt: now + request.ttl,
      owners: userId === undefined ? [] : [userId],
    }),
    create(ref('outbox', random.id(clock.millis())), outgoing, {
      expiresAt: now + lettersLive,
      owners: [outboxOwner],
    }),
    eventWrite(context, {
      type: 'letter.asked',
      ...(userId !== undefined && { userId }),
      address: request.address,
      target: request.ticket.purpose,
    }),
  ]
}
