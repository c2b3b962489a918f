/**
 * A pure function that remembers what it made of the last so many texts. What it is asked about must not be chosen by strangers, or
 * be short: it keeps them.
 */
export function remembering<Text extends string, Made>(most: number, make: (text: Text) => Made): (text: Text) => Made {
  const known = new Map<Text, Made>()
  return (text) => {
    const found = known.get(text)
    if (found !== undefined) return found
    const made = make(text)
    if (known.size >= most) known.clear()
    known.set(text, made)
    return made
  }
}
