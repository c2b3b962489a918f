/** More wishes than anybody has; the rest is not looked at, so that a hostile list costs nothing. */
const mostWishes = 16

/** The first wish that is there, itself or without its last subtags (RFC 4647 §3.4): `de-CH-1996` finds `de`. */
export function lookupLanguage<Available extends string>(
  wishes: readonly string[],
  available: readonly Available[],
): Available | undefined {
  for (const wish of wishes.slice(0, mostWishes)) {
    let range = wish.toLowerCase()
    while (range !== '') {
      const found = available.find((language) => language.toLowerCase() === range)
      if (found !== undefined) return found
      range = range.slice(0, Math.max(0, range.lastIndexOf('-')))
    }
  }
  return undefined
}
