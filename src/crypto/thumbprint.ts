import type { PublicJwk } from './jwk.ts'

/** The SHA-256 thumbprint of a public key, base64url (RFC 7638). Loads its library at the first call. */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  const { calculateJwkThumbprint } = await import('jose/jwk/thumbprint')
  return calculateJwkThumbprint(jwk, 'sha256')
}
