import type { Inviter } from '../domain/ticket.ts'
import type { Role } from '../domain/user.ts'

export type NewUser = {
  readonly username: string
  /** Absent: nobody signs in as this account until it gets one. */
  readonly password?: string
  readonly fullName?: string
  readonly email?: string
  readonly role?: Role
  readonly scopes?: readonly string[]
  readonly bot?: boolean
  /** User id of the person who answers for a bot. */
  readonly wrangler?: string
  /** Only for the endpoint that letters lead to. */
  readonly letter?: FromLetter
  /** What an account brings along from another server. Only for who may read the data directory. */
  readonly brought?: {
    readonly userId: string
    readonly epoch: number
    readonly locked: boolean
    /** As `imported-password.ts` reads it; the first right password makes one of ours of it. */
    readonly passwordHash?: string
  }
}

/** An account that is made by a link of ours, which is used up by it. */
export type FromLetter = {
  readonly ticketId: string
  /** Of the password, where it was chosen when the account was asked for. */
  readonly passwordHash?: string
  /** Of an invitation: who must still be one who may make such an account when it is made. */
  readonly invitedBy?: Inviter
  /** Whoever has the link reads letters to the address. */
  readonly proves: boolean
  /** Of the page that it leads to. */
  readonly language: string
}
