const rounds = 20

/** "expand 32-byte k", the constants on the diagonal (Bernstein, "The Salsa20 family of stream ciphers"). */
const sigma = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const

/** Each quarter round: the column rounds, then the row rounds. */
const quarters = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const

/** The words of HSalsa20's result, in order. */
const derived = [0, 5, 10, 15, 6, 7, 8, 9] as const

/** HSalsa20: a key for the rest of a 24-byte nonce, from a 32-byte key and the nonce's first 16 bytes. */
export function hsalsa20(key: Uint8Array, input: Uint8Array): Buffer {
  const mixed = mix(stateOf(key, input))
  const result = Buffer.alloc(32)
  derived.forEach((word, index) => result.writeUInt32LE(mixed[word] ?? 0, index * 4))
  return result
}

/** Block `counter` (64 bytes) of the Salsa20 stream of a 32-byte key and an 8-byte nonce. */
export function salsa20Block(key: Uint8Array, nonce: Uint8Array, counter: number): Buffer {
  const input = Buffer.alloc(16)
  input.set(nonce)
  input.writeUInt32LE(counter, 8)
  const state = stateOf(key, input)
  const mixed = mix(state)
  const block = Buffer.alloc(64)
  for (let word = 0; word < 16; word++) block.writeUInt32LE(((mixed[word] ?? 0) + (state[word] ?? 0)) >>> 0, word * 4)
  return block
}

function stateOf(key: Uint8Array, input: Uint8Array): Uint32Array {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [keyView, inputView] = [view(key), view(input)]
  const state = new Uint32Array(16)
  sigma.forEach((word, index) => {
    state[index * 5] = word
    state[1 + index] = keyView.getUint32(index * 4, true)
    state[6 + index] = inputView.getUint32(index * 4, true)
    state[11 + index] = keyView.getUint32(16 + index * 4, true)
  })
  return state
}

function mix(state: Uint32Array): Uint32Array {
  const x = Uint32Array.from(state)
  const at = (word: number): number => x[word] ?? 0
  for (let round = 0; round < rounds; round += 2) {
    for (const [a, b, c, d] of quarters) {
      x[b] = at(b) ^ rotate(at(a) + at(d), 7)
      x[c] = at(c) ^ rotate(at(b) + at(a), 9)
      x[d] = at(d) ^ rotate(at(c) + at(b), 13)
      x[a] = at(a) ^ rotate(at(d) + at(c), 18)
    }
  }
  return x
}

function rotate(sum: number, by: number): number {
  return (sum << by) | ((sum | 0) >>> (32 - by))
}
