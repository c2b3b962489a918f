import { timingSafeEqual } from 'node:crypto'

/**
 * Whether two hashes, spelled alike, are the same, in a time that tells nothing of where they differ. That a hash of another
 * length isn't this one is no secret. `equal`, for what isn't hashed yet, costs 2.5 µs more.
 */
export function equalDigests(left: string, right: string): boolean {
  if (left.length !== right.length) return false
  const bytes = Buffer.from(left, 'utf8')
  const others = Buffer.from(right, 'utf8')
  return bytes.length === others.length && timingSafeEqual(bytes, others)
}
