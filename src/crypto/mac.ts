import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto'
import { decodeBase64url } from './encoding.ts'

declare const use: unique symbol

/** A cached 256-bit key for HMAC-SHA256, and for the seals that derive their keys with it. Doesn't print. */
export type MacKey = KeyObject & { readonly [use]: 'mac' }

const keyBytes = 32

export function macKey(bytes: Uint8Array): MacKey {
  if (bytes.length !== keyBytes) throw new RangeError(`a MAC key has ${keyBytes} bytes, not ${bytes.length}`)
  // A Buffer as HMAC key is imported anew at each use, which costs four times as much.
  return createSecretKey(bytes) as MacKey
}

/** A key made from a long text that a person keeps, bound to its purpose (HKDF-SHA256, RFC 5869). */
export function deriveMacKey(secret: string, purpose: string): MacKey {
  return macKey(new Uint8Array(hkdfSync('sha256', secret, '', purpose, keyBytes)))
}

/** HMAC-SHA256 (RFC 2104) as base64url, 43 characters. The caller makes the message unambiguous. */
export function mac(key: MacKey, message: string): string {
  return createHmac('sha256', key).update(message).digest('base64url')
}

/** HMAC-SHA256 as bytes. */
export function macBytes(key: MacKey, message: Uint8Array): Buffer {
  return createHmac('sha256', key).update(message).digest()
}

/** HMAC-SHA256 under a key of any length that somebody else holds too (RFC 2104). */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Buffer {
  return createHmac('sha256', key).update(message).digest()
}

/** Whether `claimed` is the one spelling of the right MAC; constant time for everything that has the length of one. */
export function verifyMac(key: MacKey, message: string, claimed: string): boolean {
  const right = createHmac('sha256', key).update(message).digest()
  const given = decodeBase64url(claimed)
  return given !== undefined && given.length === right.length && timingSafeEqual(right, given)
}
