/** Bounded memory: at 100 to 200 bytes a key, a full table is about 8 MB. */
export const mostKeys = 50_000
const looked = 16

/**
 * The state of one budget for every key: when the key's bucket will be full again, in milliseconds (GCRA: one number says
 * both how much is used and when it comes back). A key whose bucket is full again needs no entry.
 */
export type Counts = {
  /** Milliseconds until the next attempt fits; 0 if it fits now. */
  readonly wait: (key: string, now: number) => number
  readonly take: (key: string, now: number) => void
  readonly giveBack: (key: string, now: number) => void
  readonly size: () => number
}

export function createCounts(budget: { readonly burst: number; readonly everyMillis: number }): Counts {
  const fullAt = new Map<string, number>()
  const slack = (budget.burst - 1) * budget.everyMillis
  // A hand that goes round: beginning at the oldest key each time would walk over all that was deleted there.
  let hand = fullAt.entries()

  /**
   * Forget among the next few keys those that are whole again, else the one that used least: an attacker who floods the
   * table loses his own fresh keys, and not the account that he is guessing at.
   */
  function makeRoom(now: number): void {
    let least: string | undefined
    let leastAt = Infinity
    for (let seen = 0; seen < looked; seen += 1) {
      let next = hand.next()
      if (next.done === true) {
        hand = fullAt.entries()
        next = hand.next()
      }
      if (next.done === true) return
      const [key, at] = next.value
      if (at <= now) fullAt.delete(key)
      else if (at < leastAt) {
        least = key
        leastAt = at
      }
    }
    if (fullAt.size >= mostKeys && least !== undefined) fullAt.delete(least)
  }

  return {
    wait: (key, now) => {
      const at = fullAt.get(key)
      return at === undefined ? 0 : Math.max(0, at - now - slack)
    },
    take: (key, now) => {
      const at = fullAt.get(key)
      if (at === undefined) {
        if (fullAt.size >= mostKeys) makeRoom(now)
        fullAt.set(detached(key), now + budget.everyMillis)
      } else fullAt.set(key, Math.max(at, now) + budget.everyMillis)
    },
    giveBack: (key, now) => {
      const at = fullAt.get(key)
      if (at === undefined) return
      if (at - budget.everyMillis <= now) fullAt.delete(key)
      else fullAt.set(key, at - budget.everyMillis)
    },
    size: () => fullAt.size,
  }
}

/** A copy, because V8 lets a piece of a text keep the whole alive, and the whole may be a request of 64 KiB. */
function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
