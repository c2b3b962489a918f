import { crc32 } from 'node:zlib'

/**
 * What a record's row must sum up to. SQLite doesn't notice a byte that changed on disk inside a value, and one is
 * enough to lose a `revokedAt` (FLT-07).
 */
export function rowSum(row: {
  readonly kind: string
  readonly id: string
  readonly version: string
  readonly expiresAt: number | null
  readonly json: string
}): number {
  return crc32(`${row.kind}\n${row.id}\n${row.version}\n${row.expiresAt ?? ''}\n${row.json}`)
}
