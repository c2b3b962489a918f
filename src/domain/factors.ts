import type { EpochSeconds } from '../protocol/time.ts'

/** An app that makes one-time codes (RFC 6238). */
export type Authenticator = {
  /** The secret under the key outside the store. */
  readonly sealed: string
  /** The step of the last code that was accepted: none of it or before it ever works again (RFC 6238 §5.2). */
  readonly lastStep: number
  readonly createdAt: EpochSeconds
}

/** A passkey (WebAuthn). It is a whole sign-in by itself: something one has, opened by who one is or what one knows. */
export type Passkey = {
  /** Of the credential, base64url. */
  readonly id: string
  /** COSE, base64url. */
  readonly publicKey: string
  readonly counter: number
  /** It lives in an account of its maker and on all devices there. */
  readonly synced: boolean
  /** As its person calls it. */
  readonly name: string
  readonly createdAt: EpochSeconds
  readonly lastUsedAt?: EpochSeconds
}

/** More than anybody has devices. */
export const mostPasskeys = 20

/** What an account has beside its password. There is no record for an account that has nothing. */
export type Factors = {
  readonly v: 1
  readonly authenticator?: Authenticator
  readonly passkeys?: readonly Passkey[]
  /** When all wrong one-time codes of browsers that nobody knows are forgotten; each puts it off. Absent: they are. */
  readonly guessesOverAt?: EpochSeconds
  /** Of codes that nobody used yet. */
  readonly recoveryHashes: readonly string[]
}

/** H17: wrong one-time codes for one account, from wherever they come: so many at once, then one more each time. */
export const codeGuesses = { burst: 10, everySeconds: 600 } as const

/** Seconds until the account takes another guess of a browser that nobody knows; 0 if now. It is stored, so that it is one budget for all nodes. */
export function guessWait({ guessesOverAt = 0 }: Factors, now: EpochSeconds): number {
  return Math.max(0, guessesOverAt - now - (codeGuesses.burst - 1) * codeGuesses.everySeconds)
}

/** The same account after a wrong one. */
export function afterGuess(factors: Factors, now: EpochSeconds): Factors {
  return { ...factors, guessesOverAt: Math.max(factors.guessesOverAt ?? 0, now) + codeGuesses.everySeconds }
}

/** Whether signing in takes more than the first factor. Recovery codes alone are none: they stand in for one. */
export function hasSecondFactor(factors: Factors | undefined): factors is Factors {
  return factors?.authenticator !== undefined || passkeysOf(factors).length > 0
}

export function passkeysOf(factors: Factors | undefined): readonly Passkey[] {
  return factors?.passkeys ?? []
}

/** RFC 8176 §2: a key in hardware, or one that travels; and that its person was there. `mfa` follows from its being opened. */
export function passkeyMethods({ synced }: Pick<Passkey, 'synced'>): readonly string[] {
  return [synced ? 'swk' : 'hwk', 'user', 'mfa']
}
