import { eventWrite } from '../audit/event-write.ts'
import { create, ref, type Write } from '../domain/record.ts'
import type { Ticket, TicketPurpose } from '../domain/ticket.ts'
import { lettersLive, type Outbox } from '../mail/outbox.ts'
import type { Seconds } from '../protocol/time.ts'
import { errandOwner } from '../store/start-errands.ts'
import { commitNew } from '../store/transition.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'
import type { AccountsContext } from './context.ts'

export type LettersContext = AccountsContext & {
  readonly keys: TokenKeys
  /** Absent: this server sends no letters, and offers nothing that needs one. */
  readonly outbox: Pick<Outbox, 'wake'> | undefined
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
 * outbox. So the request does the very same for names that exist and names that don't. Answers the id of the ticket.
 */
export async function requestLetter(context: LettersContext, request: LetterRequest): Promise<string> {
  const { ticketId, writes } = ticketWrites(context, request)
  await commitNew(context.transition, writes)
  context.outbox?.wake()
  return ticketId
}

function ticketWrites(
  context: LettersContext,
  request: LetterRequest,
): { readonly ticketId: string; readonly writes: readonly Write[] } {
  const { userId } = request
  const { ticketId, writes } = newTicket(context, {
    ticket: request.ticket,
    ttl: request.ttl,
    owners: userId === undefined ? [] : [userId],
  })
  const asked = [
    ...writes,
    outgoingWrite(context, ticketId, request.language),
    eventWrite(context, {
      type: 'letter.asked',
      ...(userId !== undefined && { userId }),
      address: request.address,
      target: request.ticket.purpose,
    }),
  ]
  return { ticketId, writes: asked }
}

/** A ticket and what writes it. Nothing opens it but the proof that a link holds. */
export function newTicket(
  { clock, random, keys }: Pick<LettersContext, 'clock' | 'random' | 'keys'>,
  wanted: { readonly ticket: TicketPurpose; readonly ttl: Seconds; readonly owners: readonly string[] },
): { readonly ticketId: string; readonly ticket: Ticket; readonly writes: readonly Write[] } {
  const now = clock.seconds()
  const ticketId = random.id(clock.millis())
  const imprint = { nonce: random.text(16), keyId: keys.secret('mac').keyId }
  const ticket: Ticket = { v: 1, ...imprint, createdAt: now, ...wanted.ticket }
  const write = create(ref('ticket', ticketId), ticket, { expiresAt: now + wanted.ttl, owners: wanted.owners })
  return { ticketId, ticket, writes: [write] }
}

/** A letter about a ticket, on its way. */
export function outgoingWrite(
  { clock, random }: Pick<LettersContext, 'clock' | 'random'>,
  ticketId: string,
  language: string,
): Write {
  const now = clock.seconds()
  const outgoing = { v: 1, ticketId, language, attempts: 0, nextAt: now, createdAt: now } as const
  const target = ref('outbox', random.id(clock.millis()))
  return create(target, outgoing, { expiresAt: now + lettersLive, owners: [errandOwner] })
}
