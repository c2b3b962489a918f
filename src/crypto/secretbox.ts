import { timingSafeEqual } from 'node:crypto'
import { poly1305 } from './poly1305.ts'
import type { Random } from './random.ts'
import { hsalsa20, salsa20Block } from './salsa20.ts'

const nonceBytes = 24
const tagBytes = 16
const keyBytes = 32
const streamBlock = 64

/** Bytes that a box adds: nonce and tag. */
export const secretboxOverhead = nonceBytes + tagBytes

/**
 * XSalsa20-Poly1305 as NaCl's `crypto_secretbox` has it, behind its nonce: nonce ‖ tag ‖ ciphertext. Node has no such cipher, and
 * every macaroon library out there hides the keys of third-party caveats in it. For nothing else: our own seals are AES-256-GCM.
 */
export function sealSecretbox(key: Uint8Array, plaintext: Uint8Array, random: Pick<Random, 'bytes'>): Buffer {
  return sealWithNonce(key, plaintext, random.bytes(nonceBytes))
}

/** The same with a given nonce, which must never be used again under this key. */
export function sealWithNonce(key: Uint8Array, plaintext: Uint8Array, nonce: Uint8Array): Buffer {
  const { oneTime, apply } = streamOf(key, nonce)
  const ciphertext = apply(plaintext)
  return Buffer.concat([nonce, poly1305(oneTime, ciphertext), ciphertext])
}

/** What a box holds, or undefined if key or a single bit differ. */
export function openSecretbox(key: Uint8Array, box: Uint8Array): Buffer | undefined {
  if (key.length !== keyBytes || box.length < secretboxOverhead) return undefined
  const nonce = box.subarray(0, nonceBytes)
  const tag = box.subarray(nonceBytes, secretboxOverhead)
  const ciphertext = box.subarray(secretboxOverhead)
  const { oneTime, apply } = streamOf(key, nonce)
  return timingSafeEqual(poly1305(oneTime, ciphertext), tag) ? apply(ciphertext) : undefined
}

/** The first 32 bytes of the stream are the key of the tag; the text begins behind them. */
function streamOf(
  key: Uint8Array,
  nonce: Uint8Array,
): { readonly oneTime: Buffer; readonly apply: (text: Uint8Array) => Buffer } {
  if (key.length !== keyBytes) throw new RangeError(`a secretbox key has ${keyBytes} bytes, not ${key.length}`)
  const subkey = hsalsa20(key, nonce.subarray(0, 16))
  const rest = nonce.subarray(16)
  const first = salsa20Block(subkey, rest, 0)
  return {
    oneTime: first.subarray(0, keyBytes),
    apply(text) {
      const result = Buffer.from(text)
      let block = first
      for (let index = 0; index < result.length; index++) {
        const at = index + keyBytes
        if (at % streamBlock === 0) block = salsa20Block(subkey, rest, at / streamBlock)
        result[index] = (result[index] ?? 0) ^ (block[at % streamBlock] ?? 0)
      }
      return result
    },
  }
}
