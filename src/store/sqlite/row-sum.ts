import { crc32 } from 'node:zlib'

/**
 * What the value of a record must sum up to, together with whose it is and how long it lives. SQLite doesn't notice a byte
 * that changed on disk inside a value, and one is enough to lose a `revokedAt` (FLT-07).
 */
export function rowSum(id: string, expiresAt: number | null, json: string): number {
  return crc32(json, crc32(`${id} ${expiresAt}`))
}
