const shortest = 2048
const longest = 8192

/**
 * Why an RSA public key isn't good enough, in words, or undefined. Modulus of 2048 to 8192 bits (RFC 7518 §3.3, and an end to
 * the work that a stranger's key can cause), odd exponent above 2^16 (FIPS 186-5 §5.1), not from the library whose keys can be factored.
 */
export function weakRsaModulus(modulus: Uint8Array, exponent: Uint8Array): string | undefined {
  const n = integer(modulus)
  const e = integer(exponent)
  const bits = n.toString(2).length
  if (bits < shortest || bits > longest) return `an RSA key has ${bits} bits; 2048 to 8192 are allowed`
  if (e < 65537n || e >= 1n << 33n || e % 2n === 0n)
    return 'the exponent of an RSA key is not an odd number from 65537 up'
  if (n % 2n === 0n) return 'the modulus of an RSA key is even'
  return isRoca(n) ? 'an RSA key has the ROCA weakness (CVE-2017-15361) and can be factored' : undefined
}

function integer(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

const rocaPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]

/** For each small prime, the remainders that powers of 65537 leave. */
const rocaRemainders = rocaPrimes.map((prime) => {
  const remainders = new Set<number>()
  for (let power = 1; !remainders.has(power); power = (power * 65537) % prime) remainders.add(power)
  return { prime: BigInt(prime), remainders }
})

/** CVE-2017-15361: primes of the form k·M + (65537^a mod M) leave only powers of 65537, for every small prime at once. */
function isRoca(n: bigint): boolean {
  return rocaRemainders.every(({ prime, remainders }) => remainders.has(Number(n % prime)))
}
