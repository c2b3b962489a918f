import type { Random } from '../crypto/random.ts'

/** Letters and digits that nobody mistakes for one another; 32 of them, so each carries five bits. */
const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
const groups = 5
const groupLength = 4

/** A password of 100 random bits that can be read aloud: `k7qm-x3vr-…`. */
export function generatePassword(random: Pick<Random, 'bytes'>): string {
  const letters = [...random.bytes(groups * groupLength)].map((byte) => alphabet[byte % alphabet.length] ?? '')
  return Array.from({ length: groups }, (_, index) =>
    letters.slice(index * groupLength, (index + 1) * groupLength).join(''),
  ).join('-')
}
