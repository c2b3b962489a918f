const half = 32

/**
 * An ECDSA P-256 signature from ASN.1 DER, which OpenSSL makes, to r ‖ s (RFC 7518 §3.4).
 * Asking OpenSSL's binding for r ‖ s costs twice the signature itself.
 */
export function derToConcatenated(der: Uint8Array): Buffer {
  const concatenated = Buffer.alloc(2 * half)
  // SEQUENCE (below 128 bytes, so one length byte) of INTEGER r, INTEGER s.
  const lengthOfR = der[3] ?? 0
  const lengthOfS = der[5 + lengthOfR] ?? 0
  placeInteger(der.subarray(4, 4 + lengthOfR), concatenated, half)
  placeInteger(der.subarray(6 + lengthOfR, 6 + lengthOfR + lengthOfS), concatenated, 2 * half)
  return concatenated
}

/** The other way. `concatenated` has 64 bytes; what isn't a possible r or s stays impossible. */
export function concatenatedToDer(concatenated: Uint8Array): Buffer {
  const r = integer(concatenated.subarray(0, half))
  const s = integer(concatenated.subarray(half))
  return Buffer.concat([Buffer.of(0x30, r.length + s.length), r, s])
}

function placeInteger(bytes: Uint8Array, target: Buffer, end: number): void {
  const digits = bytes[0] === 0 ? bytes.subarray(1) : bytes
  target.set(digits, end - digits.length)
}

function integer(digits: Uint8Array): Buffer {
  let first = 0
  while (first < digits.length - 1 && digits[first] === 0) first++
  const significant = digits.subarray(first)
  // A set top bit would read as a sign.
  const padded = (significant[0] ?? 0) >= 0x80 ? [0, ...significant] : [...significant]
  return Buffer.from([0x02, padded.length, ...padded])
}
