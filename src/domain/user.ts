import type { EpochSeconds } from '../protocol/time.ts'

/** Rising: each may do what the ones before it may. */
export type Role = 'editor' | 'admin' | 'superuser'

/** An account. Its id (`usr_…`) is opaque, random and never reused; no client id may begin like it. */
export type User = {
  readonly v: 1
  readonly userId: string
  /** As the person wrote it, after normalisation. */
  readonly username: string
  readonly fullName?: string
  readonly email?: string
  readonly emailVerified: boolean
  /** Of the page on which the address was proved: letters that nobody asked for are in it. */
  readonly language?: string
  readonly role: Role
  readonly bot: boolean
  /** The account that answers for a bot. */
  readonly wrangler?: string
  readonly scopes: readonly string[]
  /** Bumping it kills every token and session of this account. */
  readonly epoch: number
  readonly locked: boolean
  /** Of a person who was locked or put down once: no token of a bot of his from before that holds. */
  readonly botsEpoch?: number
  /** argon2id, PHC string. Absent: this account has no password. */
  readonly passwordHash?: string
  readonly passwordChangedAt?: EpochSeconds
  readonly createdAt: EpochSeconds
  readonly updatedAt: EpochSeconds
}
