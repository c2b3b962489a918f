import type { Keys } from './keys.ts'

/**
 * What `read` finds with the keys at hand; where that is a miss, what it finds with those that another node may have made a
 * moment ago.
 */
export function readWithNewest<T>(
  keys: Pick<Keys, 'learn'>,
  read: () => T,
  missed: (found: T) => boolean = (found) => found === undefined,
): T | Promise<T> {
  const found = read()
  return missed(found) ? keys.learn().then((learnt) => (learnt ? read() : found)) : found
}
