import type { EpochSeconds } from '../protocol/time.ts'

/** Answers that are good for a few seconds, at most `most` of them; the oldest goes first. */
export function createShortMemory<T>(most: number, now: () => EpochSeconds) {
  const kept = new Map<string, { readonly value: T; readonly until: EpochSeconds }>()
  return {
    recall: (name: string): T | undefined => {
      const found = kept.get(name)
      if (found === undefined) return undefined
      if (found.until > now()) return found.value
      kept.delete(name)
      return undefined
    },
    keep: (name: string, value: T, until: EpochSeconds): void => {
      kept.delete(name)
      const [oldest] = kept.keys()
      if (kept.size >= most && oldest !== undefined) kept.delete(oldest)
      kept.set(name, { value, until })
    },
  }
}
