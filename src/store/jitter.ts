/** A fraction in [0, 1) out of a random stamp: enough to keep two processes from retrying in step. */
export function fractionOf(stamp: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < stamp.length; index += 1) hash = Math.imul(hash ^ stamp.charCodeAt(index), 0x01000193)
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x1_0000_0000
}
