/** Runs work on the same keys one after the other, in the order in which it came; everything else side by side. */
export type InOrder = <T>(keys: readonly string[], work: () => Promise<T>) => Promise<T>

/**
 * Two commits of one process that meet on a record would only make DynamoDB refuse one of them, to be asked again: here
 * the second waits for the first.
 */
export function createInOrder(): InOrder {
  const last = new Map<string, Promise<unknown>>()

  return async (keys, work) => {
    const before = keys.flatMap((key) => last.get(key) ?? [])
    const mine = before.length === 0 ? work() : Promise.allSettled(before).then(work)
    for (const key of keys) last.set(key, mine)
    try {
      return await mine
    } finally {
      for (const key of keys) if (last.get(key) === mine) last.delete(key)
    }
  }
}
