const blockBytes = 16
const limbs = 17

/**
 * Poly1305 (RFC 8439 §2.5) under a 32-byte key that is used for this message alone. Limbs of one byte: slow, but for messages of
 * some ten bytes that is microseconds, and no branch or index depends on a secret.
 */
export function poly1305(key: Uint8Array, message: Uint8Array): Buffer {
  const r = clamp(key)
  const sum = zeros()
  for (let start = 0; start < message.length; start += blockBytes) {
    const block = message.subarray(start, start + blockBytes)
    const chunk = Array.from({ length: limbs }, (_, index) =>
      index < block.length ? (block[index] ?? 0) : index === block.length ? 1 : 0,
    )
    add(sum, chunk)
    multiply(sum, r)
  }
  reduce(sum)
  add(
    sum,
    Array.from({ length: limbs }, (_, index) => (index < blockBytes ? (key[blockBytes + index] ?? 0) : 0)),
  )
  return Buffer.from(sum.slice(0, blockBytes))
}

const zeros = (): number[] => Array.from({ length: limbs }, () => 0)

function clamp(key: Uint8Array): readonly number[] {
  return Array.from({ length: limbs }, (_, index) => {
    if (index === limbs - 1) return 0
    const byte = key[index] ?? 0
    if (index % 4 === 3) return byte & 0x0f
    return index > 0 && index % 4 === 0 ? byte & 0xfc : byte
  })
}

function add(sum: number[], other: readonly number[]): void {
  let carry = 0
  for (let index = 0; index < limbs; index++) {
    carry += (sum[index] ?? 0) + (other[index] ?? 0)
    sum[index] = carry & 0xff
    carry >>>= 8
  }
}

/** sum · r, left below 2^131: 2^136 is 64 · 2^130, and 2^130 is 5 (mod 2^130 − 5), so what runs over comes back 320 times. */
function multiply(sum: number[], r: readonly number[]): void {
  const product = zeros()
  for (let i = 0; i < limbs; i++) {
    let limb = 0
    for (let j = 0; j < limbs; j++) {
      const factor = j <= i ? (r[i - j] ?? 0) : 320 * (r[i + limbs - j] ?? 0)
      limb += (sum[j] ?? 0) * factor
    }
    product[i] = limb
  }
  let carry = 0
  for (let index = 0; index < limbs - 1; index++) {
    carry += product[index] ?? 0
    sum[index] = carry & 0xff
    carry = Math.floor(carry / 256)
  }
  carry += product[limbs - 1] ?? 0
  fold(sum, carry)
}

/** The top limb keeps two bits (of 2^128 and 2^129); what is above them comes back five times at the bottom. */
function fold(sum: number[], top: number): void {
  sum[limbs - 1] = top & 3
  let carry = 5 * Math.floor(top / 4)
  for (let index = 0; index < limbs - 1; index++) {
    carry += sum[index] ?? 0
    sum[index] = carry & 0xff
    carry = Math.floor(carry / 256)
  }
  sum[limbs - 1] = (sum[limbs - 1] ?? 0) + carry
}

/** The one representative below 2^130 − 5, chosen without a branch. */
function reduce(sum: number[]): void {
  fold(sum, sum[limbs - 1] ?? 0)
  // sum + 5 − 2^130 is sum − p; its sign says which of the two is meant.
  const minus = [...sum]
  add(minus, [5, ...zeros().slice(1)])
  minus[limbs - 1] = (minus[limbs - 1] ?? 0) - 4
  const keep = -(((minus[limbs - 1] ?? 0) >>> 31) & 1)
  for (let index = 0; index < limbs; index++) {
    const own = sum[index] ?? 0
    sum[index] = own ^ (~keep & (own ^ (minus[index] ?? 0)))
  }
}
