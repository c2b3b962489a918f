import type { Protection } from './protection.ts'

const kind = 'client-secret'
const oneTimeCodeKind = 'client-one-time-code'

/** A client's secret sealed for this client alone (D13): copied into another's record it opens nothing. */
export function sealClientSecret(protection: Protection, clientId: string, secret: string): string {
  return protection.seal(kind, clientId, new TextEncoder().encode(secret))
}

/** The secret's bytes, which are its HMAC key (OIDC Core §10.1). Throws ProtectionFailed. */
export function openClientSecret(protection: Protection, clientId: string, sealed: string): Uint8Array {
  return protection.open(kind, clientId, sealed)
}

/** The secret of a client's one-time codes, sealed for this client alone. */
export function sealOneTimeCodeSecret(protection: Protection, clientId: string, secret: Uint8Array): string {
  return protection.seal(oneTimeCodeKind, clientId, secret)
}

/** Throws ProtectionFailed. */
export function openOneTimeCodeSecret(protection: Protection, clientId: string, sealed: string): Uint8Array {
  return protection.open(oneTimeCodeKind, clientId, sealed)
}
