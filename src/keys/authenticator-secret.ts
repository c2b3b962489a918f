import type { Protection } from './protection.ts'

const kind = 'authenticator'

/** The secret of a person's one-time codes, sealed for this account alone: copied into another's record it opens nothing. */
export function sealAuthenticatorSecret(protection: Protection, userId: string, secret: Uint8Array): string {
  return protection.seal(kind, userId, secret)
}

/** Throws ProtectionFailed. */
export function openAuthenticatorSecret(protection: Protection, userId: string, sealed: string): Uint8Array {
  return protection.open(kind, userId, sealed)
}
