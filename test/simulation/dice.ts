/** Chance that can be had again: everything in an episode follows from its seed. */
export type Dice = {
  readonly below: (limit: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(from: readonly T[]) => T | undefined
  readonly text: () => string
}

/** A 32-bit generator (Marsaglia's xorshift with a Weyl sequence): fast, and good enough to shuffle with. */
export function rollDice(seed: number): Dice {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  let weyl = 0
  function next(): number {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    weyl = (weyl + 0x6d2b79f5) | 0
    const mixed = Math.imul((state + weyl) ^ (state >>> 15), 0x2c1b3c6d)
    return (mixed ^ (mixed >>> 12)) >>> 0
  }
  for (let warm = 0; warm < 8; warm += 1) next()
  const below = (limit: number): number => Math.floor((next() / 0x1_0000_0000) * limit)
  return {
    below,
    chance: (probability) => next() / 0x1_0000_0000 < probability,
    pick: (from) => from[below(from.length)],
    text: () => next().toString(36).padStart(7, '0') + next().toString(36).padStart(7, '0'),
  }
}
