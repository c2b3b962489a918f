const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Bytes as base32 without padding (RFC 4648 §6), as authenticator apps take their secrets. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    for (; bits >= 5; bits -= 5) text += alphabet.charAt((held >>> (bits - 5)) & 31)
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + alphabet.charAt((held << (5 - bits)) & 31)
}

/**
 * The bytes of a base32 text, or undefined if it is none. People type these: case, spaces, hyphens and the padding at the end
 * don't matter; stray bits at the end do (RFC 4648 §3.5).
 */
export function decodeBase32(text: string): Uint8Array | undefined {
  let digits = text.toUpperCase().replaceAll(/[ -]/g, '')
  while (digits.endsWith('=')) digits = digits.slice(0, -1)
  const bytes: number[] = []
  let held = 0
  let bits = 0
  for (const digit of digits) {
    const value = alphabet.indexOf(digit)
    if (value < 0) return undefined
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push(held >>> bits)
      held &= (1 << bits) - 1
    }
  }
  return bits >= 5 || held !== 0 ? undefined : Uint8Array.from(bytes)
}
