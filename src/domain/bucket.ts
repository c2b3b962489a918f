/** How many lists the records of a busy kind are spread over, so that no single key range takes every write. */
export const buckets: readonly string[] = Array.from({ length: 16 }, (_, index) => index.toString(16))

/** The list in which a user or an event stands: always the same for the same id (FNV-1a over its characters). */
export function bucketOf(id: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  // The low bits of FNV mix least.
  return ((hash ^ (hash >>> 16)) & 15).toString(16)
}
