import { crc32 } from 'node:zlib'

/** By byte: of a number that is no small integer, as half of the sums are, `toString(16)` takes seven times as long. */
const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** CRC32 of two texts in a row as 8 hex digits: lets a scanner tell our secrets from look-alikes. Proves nothing. */
export function checksum(prefix: string, text: string): string {
  const sum = crc32(text, crc32(prefix))
  return digits(sum >>> 24) + digits(sum >>> 16) + digits(sum >>> 8) + digits(sum)
}

function digits(number: number): string {
  return hex[number & 0xff] ?? ''
}
