import { findUser, findUserAsked } from '../accounts/find-user.ts'
import { emailRef } from '../accounts/email-name.ts'
import type { AccountsContext } from '../accounts/context.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { put, ref } from '../domain/record.ts'
import { addresseeOf, isFor, isNotice, type Outgoing, type Ticket } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import { duration } from '../i18n/duration.ts'
import { message } from '../i18n/message.ts'
import { isLanguage, type Language } from '../i18n/messages/catalogue.ts'
import type { Keys } from '../keys/keys.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import type { Limits } from '../limits/limits.ts'
import type { Letter } from '../mail/letter.ts'
import { letterBodies } from '../pages/letter.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import { mailCode } from '../tokens/mail-code.ts'
import { printTicketToken } from '../tokens/ticket-token.ts'
import { noticeLetter } from './notice-letter.ts'

export type ComposeContext = AccountsContext & {
  readonly issuer: string
  readonly keys: Keys
  readonly productName: string
  readonly limits: Limits
}

/**
 * What a letter says, or nothing where there is nobody to write to. Links are built from the issuer alone (H14); the secret in
 * them is made here and stored nowhere.
 */
export async function composeLetter(context: ComposeContext, outgoing: Outgoing): Promise<Letter | undefined> {
  const { ticketId } = outgoing
  const ticket = await readAlive(context.transition.store, ref('ticket', ticketId), context.clock.seconds())
  if (ticket === undefined) return undefined
  const language = isLanguage(outgoing.language) ? outgoing.language : 'en'
  const write = writerOf(context, language)
  // Another node may have made the key and the ticket a moment ago; without it the letter would have to wait for its next turn.
  await readWithNewest(context.keys, () => context.keys.secretById('mac', ticket.keyId))
  const token = printTicketToken(context.keys, { recordId: ticketId, generation: 0, imprint: ticket })
  const url = `${context.issuer}/letter?token=${token}`
  if (isNotice(ticket)) return noticeLetter(context, language, ticket)
  switch (ticket.purpose) {
    case 'register': {
      const owner = await ownerOf(context, ticket.email)
      return owner === undefined
        ? write(ticket.email, {
            kind: 'register',
            name: ticket.username,
            url,
            lives: lifetimes.confirmation,
          })
        : write(ticket.email, { kind: 'registered', name: owner.username, url: `${context.issuer}/recover` })
    }
    case 'confirm-email': {
      const user = await findUser(context, ticket.addressee.userId)
      if (user === undefined || user.locked) return undefined
      return write(ticket.email, { kind: 'confirm', name: user.username, url, lives: lifetimes.confirmation })
    }
    case 'invite': {
      const { email, fullName, username, proves } = ticket
      // Without a proof to be had, whoever invited has the link already.
      if (email === undefined || !proves) return undefined
      return write(email, { kind: 'invite', name: fullName ?? username ?? email, url, lives: lifetimes.invitation })
    }
    case 'sign-in': {
      const code = mailCode(context.keys, ticketId, ticket)
      const user = await address(context, outgoing, ticket.createdAt + lifetimes.mailCode)
      if (user === undefined || code === undefined) return undefined
      if (user.locked) return lockedLetter(context, language, user)
      return codeLetter(context, language, { to: user.email, name: user.username, code })
    }
    case 'recover': {
      const user = await address(context, outgoing, ticket.createdAt + lifetimes.recovery)
      if (user === undefined) return undefined
      if (user.locked) return lockedLetter(context, language, user)
      return write(user.email, { kind: 'recover', name: user.username, url, lives: lifetimes.recovery })
    }
  }
}

async function ownerOf(context: ComposeContext, email: string): Promise<User | undefined> {
  const name = await readAlive(context.transition.store, emailRef(email), context.clock.seconds())
  return name === undefined ? undefined : findUser(context, name.target)
}

type Reachable = User & { readonly email: string }

/** Only a proved address is written to: an unproved one may be anybody's (H24). */
async function reachable(context: ComposeContext, asked: string): Promise<Reachable | undefined> {
  const user = await findUserAsked(context, asked)
  if (user?.email === undefined || !user.emailVerified || user.bot) return undefined
  return { ...user, email: user.email }
}

/**
 * Whom a ticket is for, from its first letter on: the account that was asked for, as it is then. A letter that is written once more,
 * because nobody knows whether it arrived, goes to the same account or to nobody: a name may be somebody else's by then.
 */
async function address(
  context: ComposeContext,
  outgoing: Outgoing,
  expiresAt: EpochSeconds,
): Promise<Reachable | undefined> {
  const target = ref('ticket', outgoing.ticketId)
  const before = await readAlive(context.transition.store, target, context.clock.seconds())
  if (before === undefined || !('asked' in before)) return undefined
  const user = await reachable(context, before.asked)
  if (user === undefined || isFlooded(context, { user, ticket: before, outgoing })) return undefined
  // He is told, and the ticket stays nobody's: what opens no locked account opens none that was unlocked since either.
  if (user.locked) return user
  return transition(context.transition, { slot: target }, ({ slot }) => {
    const ticket = slot.value
    if (ticket === undefined || !('asked' in ticket)) return { writes: [], result: undefined }
    if (ticket.addressee !== undefined) return { writes: [], result: isFor(ticket.addressee, user) ? user : undefined }
    const addressed = { ...ticket, addressee: addresseeOf(user) }
    return { writes: [put(slot, addressed, { expiresAt, owners: [user.userId] })], result: user }
  })
}

/**
 * H05: whether his mailbox got that many already, by whichever name they were asked for. A letter is counted when it is tried first;
 * one too many is nobody's, so no code that was never sent can be guessed.
 */
function isFlooded(
  { limits }: ComposeContext,
  about: {
    readonly user: Reachable
    readonly ticket: Extract<Ticket, { readonly asked: string }>
    readonly outgoing: Outgoing
  },
): boolean {
  const { user, ticket, outgoing } = about
  const isCode = ticket.purpose === 'sign-in'
  if (outgoing.attempts > 1 || (isCode && ticket.known === true)) return false
  const purpose = isCode ? 'mail-code-received' : 'letter-received'
  return 'retryAfterSeconds' in limits.reserve(purpose, [emailRef(user.email).id])
}

/** The page that asked says the same to everybody (H02), so whose account is locked hears of it here. */
function lockedLetter(
  { productName, issuer }: ComposeContext,
  language: Language,
  { email: to, username: name }: Reachable,
): Letter {
  const { host } = new URL(issuer)
  const subject = message(language, 'letter.locked.subject', { host })
  const bodies = letterBodies({
    language,
    title: subject,
    productName,
    paragraphs: [message(language, 'letter.locked.text', { host, name })],
    link: undefined,
    closing: message(language, 'letter.locked.closing'),
  })
  return { to, subject, ...bodies }
}

/** A code has no link: it is typed where it was asked for. It stands in no subject, which screens show while they are locked. */
function codeLetter(
  { productName, issuer }: ComposeContext,
  language: Language,
  { to, name, code }: { readonly to: string; readonly name: string; readonly code: string },
): Letter {
  const { host } = new URL(issuer)
  const subject = message(language, 'letter.code.subject', { host })
  const lives = duration(language, lifetimes.mailCode)
  const bodies = letterBodies({
    language,
    title: subject,
    productName,
    paragraphs: [
      message(language, 'letter.code.text', { host, name }),
      `${code.slice(0, 4)} ${code.slice(4)}`,
      message(language, 'letter.code.lives', { duration: lives }),
    ],
    link: undefined,
    closing: message(language, 'letter.code.closing'),
  })
  return { to, subject, ...bodies }
}

type Kind = 'register' | 'registered' | 'confirm' | 'recover' | 'invite'

function writerOf({ productName, issuer }: ComposeContext, language: Language) {
  const { host } = new URL(issuer)
  return (
    to: string,
    about: { readonly kind: Kind; readonly name: string; readonly url: string; readonly lives?: number },
  ): Letter => {
    const { kind, name, url, lives } = about
    const subject = message(language, `letter.${kind}.subject`, { host })
    const bodies = letterBodies({
      language,
      title: subject,
      productName,
      paragraphs: [
        message(language, `letter.${kind}.text`, { host, name }),
        ...(lives === undefined ? [] : [message(language, 'letter.lives', { duration: duration(language, lives) })]),
      ],
      link: { label: message(language, `letter.${kind}.link`), url },
      closing: message(language, 'letter.closing'),
    })
    return { to, subject, ...bodies }
  }
}
