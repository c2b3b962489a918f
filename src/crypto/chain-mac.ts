import { hash, timingSafeEqual } from 'node:crypto'

const blockBytes = 64
const digestBytes = 32
const longestMessage = 8192
const innerPad = 0x36
const outerPad = 0x5c

const inner = Buffer.alloc(blockBytes + longestMessage)
const outer = Buffer.alloc(blockBytes + digestBytes)

/**
 * HMAC-SHA256 (RFC 2104) under a key that is used once or twice, as in a chain where each result is the next key.
 * Two one-shot hashes cost a sixth of making an Hmac object for a raw key. Keys of at most 64 bytes, messages of at most 8 KiB.
 */
export function chainMac(key: Uint8Array, message: Uint8Array): Buffer {
  if (key.length > blockBytes) throw new RangeError(`a chain key has at most ${blockBytes} bytes, not ${key.length}`)
  if (message.length > longestMessage) throw new RangeError(`a link has at most ${longestMessage} bytes`)
  inner.fill(innerPad, 0, blockBytes)
  outer.fill(outerPad, 0, blockBytes)
  for (let index = 0; index < key.length; index++) {
    const byte = key[index] ?? 0
    inner[index] = byte ^ innerPad
    outer[index] = byte ^ outerPad
  }
  inner.set(message, blockBytes)
  outer.set(hash('sha256', inner.subarray(0, blockBytes + message.length), 'buffer'), blockBytes)
  const digest = hash('sha256', outer, 'buffer')
  // A key must not stay behind in memory that everything shares.
  inner.fill(0, 0, blockBytes)
  outer.fill(0, 0, blockBytes)
  return digest
}

/** Whether two digests are the same, in constant time. What hasn't the length of one isn't. */
export function sameDigest(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === digestBytes && right.length === digestBytes && timingSafeEqual(left, right)
}
