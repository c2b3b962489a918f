/** Bytes as base64url without padding (RFC 4648 §5, RFC 7515 §2). */
export function encodeBase64url(bytes: Uint8Array): string {
  return buffer(bytes).toString('base64url')
}

/** Text as base64url of its UTF-8 bytes. */
export function encodeTextBase64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}

/**
 * The bytes of a base64url text, or undefined unless the text is exactly what encoding those bytes gives:
 * no padding, no whitespace, no other alphabet, no stray trailing bits (RFC 4648 §3.5; one token, one spelling).
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of UTF-8 bytes, or undefined if they are not well-formed UTF-8. A byte order mark stays where it is. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** A Buffer view of the same memory. */
export function buffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
