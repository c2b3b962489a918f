import { encodeBase32 } from './base32.ts'
import { sha256 } from './hash.ts'
import type { Random } from './random.ts'

/** 80 bits: as many as fit into sixteen letters, and more than anybody guesses. */
const bytes = 10
const shape = /^[a-z2-7]{16}$/

/** A code to be kept on paper: four groups of four letters and digits, none of which looks like another. */
export function makeRecoveryCode(random: Pick<Random, 'bytes'>): string {
  return encodeBase32(random.bytes(bytes))
    .toLowerCase()
    .replace(/.{4}(?=.)/g, '$&-')
}

/**
 * What is kept of a code, or undefined for a text that is none, however it is typed. A fast hash is enough for 80 random bits;
 * it is of this account's code alone.
 */
export function recoveryHash(userId: string, typed: string): string | undefined {
  const normal = typed.length > 64 ? '' : typed.toLowerCase().replaceAll(/[\s-]/g, '')
  return shape.test(normal) ? sha256(`recovery code\n${userId}\n${normal}`) : undefined
}
