import type { EpochSeconds } from '../protocol/time.ts'

/** Who calls, and what he may do here. */
export type Caller = {
  /** User id, or the client id of a client that acts for itself. */
  readonly subject: string
  readonly clientId: string
  readonly scope: readonly string[]
  /** Only where the API asked for it or the token has the scope `profile`. */
  readonly username?: string
  /** When the person signed in, and how (RFC 9470). */
  readonly authTime?: EpochSeconds
  readonly acr?: string
  readonly expiresAt: EpochSeconds
  /** What proved it. */
  readonly provedBy: 'jwt' | 'introspection' | 'signature'
  /** Everything else that the token or the server said. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Why there is no caller: the proof is bad, or nobody could say. */
export type NoCaller = { readonly invalid: 'token' | 'signature' } | { readonly unavailable: true }

export function isCaller(found: Caller | NoCaller): found is Caller {
  return 'subject' in found
}
