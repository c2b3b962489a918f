/** Chance that comes again with its seed. */
export type Dice = {
  /** From 0 up to, not including, 1. */
  readonly fraction: () => number
  readonly below: (limit: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(list: readonly T[]) => T
}

/** The same parts always make the same dice (FNV-1a into mulberry32). */
export function createDice(...parts: readonly (string | number)[]): Dice {
  let state = 0x811c9dc5
  for (const character of parts.join('/')) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)

  function fraction(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const below = (limit: number): number => Math.floor(fraction() * limit)
  return {
    fraction,
    below,
    chance: (probability) => fraction() < probability,
    pick: (list) => {
      const picked = list[below(list.length)]
      if (picked === undefined) throw new RangeError('nothing to pick from')
      return picked
    },
  }
}
