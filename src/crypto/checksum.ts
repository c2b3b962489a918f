import { crc32 } from 'node:zlib'

/** CRC32 as 8 hex digits: lets a scanner tell our secrets from look-alikes. Proves nothing. */
export function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
