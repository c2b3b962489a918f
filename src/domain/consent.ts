import type { EpochSeconds } from '../protocol/time.ts'

/** What a user agreed to let a client do. Its id is `consentId`. */
export type Consent = {
  readonly v: 1
  readonly userId: string
  readonly clientId: string
  readonly scope: readonly string[]
  /** Resource identifiers agreed to. */
  readonly resources: readonly string[]
  /** Names of single claims agreed to. */
  readonly claims: readonly string[]
  /** The user's epoch; another one now means that the consent is void. */
  readonly epoch: number
  readonly givenAt: EpochSeconds
}

/** No user id holds a colon. */
export function consentId(userId: string, clientId: string): string {
  return `${userId}:${clientId}`
}
