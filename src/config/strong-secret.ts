const minimumBits = 256

/**
 * Why `text` can't be a secret of 256 bits, or undefined if it may be one. The alphabet bounds what a letter can carry;
 * letters that hardly vary or repeat as a block carry less, so a sample value or a doubled word doesn't pass.
 */
export function secretWeakness(text: string): string | undefined {
  if (/[^\x21-\x7E]/.test(text))
    return 'holds a space, a line break or a letter outside ASCII; make one with: openssl rand -base64 48'
  const body = text.replace(/^gth_cs_/, '')
  const bits = Math.floor(body.length * bitsPerLetter(body))
  if (bits < minimumBits)
    return `has at most ${bits} bits, at least ${minimumBits} are needed; make one with: openssl rand -base64 48`
  if (new Set(body).size < 10 || repeats(body)) {
    return 'repeats itself, so it can be guessed; make one with: openssl rand -base64 48'
  }
  return undefined
}

function bitsPerLetter(text: string): number {
  if (/^\d*$/.test(text)) return Math.log2(10)
  if (/^[\da-f]*$/i.test(text)) return 4
  if (/^[\w+/=-]*$/.test(text)) return 6
  return 6.5
}

/** Whether a block of at most half the text, repeated, makes the whole. */
function repeats(text: string): boolean {
  const at = (text + text).indexOf(text, 1)
  return at <= text.length / 2
}
