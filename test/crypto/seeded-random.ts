import { createHash } from 'node:crypto'
import { randomFrom, type Random } from '../../src/crypto/random.ts'

/** The same values at every run, for tests that need to know them. */
export function seededRandom(seed: string): Random {
  let drawn = 0
  const bytes = (size: number): Uint8Array => {
    const blocks: Buffer[] = []
    for (let length = 0; length < size; length += 32) {
      blocks.push(createHash('sha256').update(`${seed}/${drawn++}`).digest())
    }
    return new Uint8Array(Buffer.concat(blocks).subarray(0, size))
  }
  return randomFrom({ bytes, text: (size) => Buffer.from(bytes(size)).toString('base64url') })
}
