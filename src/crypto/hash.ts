import { hash } from 'node:crypto'

/** SHA-256 of bytes, or of a text's UTF-8 bytes, as base64url (43 characters). */
export function sha256(input: string | Uint8Array): string {
  return hash('sha256', input, 'base64url')
}

/** SHA-256 in plain base64, as Content-Security-Policy names scripts and styles (CSP 3 §2.3.1). */
export function sha256Base64(input: string | Uint8Array): string {
  return hash('sha256', input, 'base64')
}

/**
 * The left half of the hash that belongs to a JWS algorithm: `at_hash` (OIDC Core §3.1.3.6).
 * Ed25519 hashes with SHA-512 (RFC 8032 §5.1).
 */
export function leftHalfHash(algorithm: 'ES256' | 'RS256' | 'EdDSA', ascii: string): string {
  const full = hash(algorithm === 'EdDSA' ? 'sha512' : 'sha256', ascii, 'buffer')
  return full.toString('base64url', 0, full.length / 2)
}
