import type { Random } from '../crypto/random.ts'

/** RFC 8628 §6.1: letters that are not mistaken for each other and spell no words. 8 of them are 34 bits. */
const letters = 'BCDFGHJKLMNPQRSTVWXZ'
const length = 8

/** A code that a person carries from one screen to another: `XXXX-XXXX`. */
export function makeShortCode(random: Pick<Random, 'bytes'>): string {
  let code = ''
  while (code.length < length) {
    const [byte = 255] = random.bytes(1)
    // 240 is the largest multiple of 20: above it some letters would come more often.
    if (byte < 240) code += letters[byte % letters.length]
  }
  return `${code.slice(0, 4)}-${code.slice(4)}`
}

/** The same code however it was typed: lower case, spaces, no hyphen. */
export function normaliseShortCode(typed: string): string {
  const code = typed.toUpperCase().replaceAll(/[^A-Z]/g, '')
  return `${code.slice(0, 4)}-${code.slice(4)}`
}
