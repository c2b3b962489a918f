import type { Imprint } from './grant.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { Role } from './user.ts'

/** Whose account a letter is about, as it was when it was asked for or written. */
export type Addressee = {
  readonly userId: string
  /** The account's epoch then: whatever ended its sessions since ended this too. */
  readonly epoch: number
  /** Its address then: another one that was confirmed since ended this too. */
  readonly email?: string
}

/**
 * What somebody may do, once, who shows that a letter of ours reached him. The record alone opens nothing: its proof is a MAC
 * over it, which exists in the letter only.
 */
export type Ticket = Imprint & { readonly v: 1; readonly createdAt: EpochSeconds } & TicketPurpose

/** What people are told of without having asked, named as events are: somebody else may have done it. */
export const notices = [
  'user.email_changed',
  'user.password_changed',
  'token.leaked',
  'identity.linked',
  'identity.unlinked',
  'factor.added',
  'factor.removed',
  'factor.reset',
  'recovery_codes.made',
  'recovery_code.used',
] as const

export type Notice = (typeof notices)[number]

export type TicketPurpose =
  /** Make this account. */
  | {
      readonly purpose: 'register'
      readonly username: string
      readonly email: string
      readonly fullName?: string
      readonly passwordHash: string
    }
  /** Make this the account's address. */
  | { readonly purpose: 'confirm-email'; readonly addressee: Addressee; readonly email: string }
  /** Make an account, as an administrator allowed it. */
  | ({ readonly purpose: 'invite' } & Invitation)
  /** Nothing: a letter that tells something. To the address that an account had until now, or has. */
  | { readonly purpose: Notice; readonly to: string; readonly username: string }
  /** Sign in, in the browser that asked, by the code of a letter. Whom it is for is found out when that is written. */
  | {
      readonly purpose: 'sign-in'
      readonly asked: string
      readonly browserHash: string
      /** Codes that were wrong. */
      readonly wrong: number
      /** Asked for where the account signed in before: what strangers use up is not its. */
      readonly known?: true
      readonly addressee?: Addressee
    }
  /** Choose a new password. Whom it is for is found out when the letter is written: until then nothing differs for names that exist. */
  | { readonly purpose: 'recover'; readonly asked: string; readonly addressee?: Addressee }

/** A letter to be written and sent. */
export type Outgoing = {
  readonly v: 1
  readonly ticketId: string
  /** Of whoever asked; one that is gone by then becomes English. */
  readonly language: string
  readonly attempts: number
  /** Not before; while it is being sent, when somebody else may try. */
  readonly nextAt: EpochSeconds
  readonly createdAt: EpochSeconds
}

/** What an account that somebody is invited to may be, and who answers for that. */
export type Invitation = {
  /** What he may change. */
  readonly username?: string
  readonly fullName?: string
  readonly email?: string
  readonly role: Role
  readonly scopes: readonly string[]
  readonly invitedBy: Inviter
  /** The link went to the address alone, so whoever has it reads letters there. */
  readonly proves: boolean
}

/** Whoever may read the data directory, an administrator, or a program that stands for one. */
export type Inviter =
  | { readonly kind: 'cli' }
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'client'; readonly clientId: string }

/** Nobody was given what opens the ticket of a notice. */
export type NoticeTicket = Extract<Ticket, { readonly purpose: Notice }>

export function isNotice(ticket: Ticket): ticket is NoticeTicket {
  return (notices as readonly string[]).includes(ticket.purpose)
}

type Account = { readonly userId: string; readonly epoch: number; readonly email?: string }

export function addresseeOf({ userId, epoch, email }: Account): Addressee {
  return { userId, epoch, ...(email !== undefined && { email }) }
}

/** Whether a letter is still for the account as it is. */
export function isFor(addressee: Addressee | undefined, user: Account): boolean {
  return addressee?.userId === user.userId && addressee.epoch === user.epoch && addressee.email === user.email
}
