import { crc32 } from 'node:zlib'

/** CRC32 of a text as 8 hex digits: lets a scanner tell our secrets from look-alikes. Proves nothing. */
export function checksum(text: string): string {
  const sum = crc32(text)
  return fourDigits(sum >>> 16) + fourDigits(sum & 0xffff)
}

/** By halves, since `toString(16)` takes many times as long for a number that is no small integer, as half of the sums are. */
function fourDigits(half: number): string {
  return half.toString(16).padStart(4, '0')
}
