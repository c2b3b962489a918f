import { assertionAlgorithms } from './algorithm.ts'
import { hasControlCharacter } from './control-character.ts'

/** A public key for verifying signatures (RFC 7517), with the members that we read and no other. */
export type PublicJwk = Readonly<Record<string, string>>

export const publicJwksLimits = { keys: 20, kidCharacters: 128, modulusCharacters: 1_366 } as const

/** RFC 7518 §6: members that only a private or a symmetric key has. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const coordinate = /^[A-Za-z0-9_-]{43}$/
const base64url = /^[A-Za-z0-9_-]+$/
/** 2048 bits without leading zero octet (RFC 7518 §3.3) are 342 characters. */
const shortestModulus = 342
const algorithmsOf: Readonly<Record<string, readonly string[]>> = {
  EC: ['ES256'],
  OKP: ['EdDSA', 'Ed25519'],
  RSA: ['RS256', 'PS256'],
}

/** Reads a JWK Set of public signing keys; a text says what is wrong with it. */
export function parsePublicJwks(value: unknown): readonly PublicJwk[] | string {
  if (!isObject(value) || !Array.isArray(value['keys']))
    return 'must be a JWK Set: an object whose member keys is a list'
  const { keys } = value
  if (keys.length === 0 || keys.length > publicJwksLimits.keys) return `must hold 1 to ${publicJwksLimits.keys} keys`
  const parsed: PublicJwk[] = []
  for (const [index, key] of Array.from<unknown>(keys).entries()) {
    const one = parsePublicJwk(key)
    if (typeof one === 'string') return `keys[${index}] ${one}`
    if (one['kid'] !== undefined && parsed.some((other) => other['kid'] === one['kid']))
      return `keys[${index}] has the kid of another key`
    parsed.push(one)
  }
  return parsed
}

function parsePublicJwk(key: unknown): PublicJwk | string {
  if (!isObject(key)) return 'is no JSON object'
  if (privateMembers.some((member) => Object.hasOwn(key, member))) {
    return 'holds a private or symmetric key; take it out of use and send the public part alone'
  }
  const { kty, kid, use, alg, key_ops: operations } = key
  if (kid !== undefined && !isKeyId(kid)) return 'has a malformed kid'
  if (use !== undefined && use !== 'sig') return 'is not for signatures; its use must be sig'
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'is not for verifying; its key_ops must hold verify'
  }
  const numbers = keyNumbers(key)
  if (typeof numbers === 'string') return numbers
  if (alg !== undefined && (typeof alg !== 'string' || typeof kty !== 'string' || !algorithmsOf[kty]?.includes(alg))) {
    return `has an alg that does not fit it; known are ${assertionAlgorithms.join(', ')}`
  }
  return {
    ...numbers,
    ...(typeof kid === 'string' ? { kid } : {}),
    ...(typeof alg === 'string' ? { alg } : {}),
    ...(use === 'sig' ? { use } : {}),
  }
}

function keyNumbers(key: Readonly<Record<string, unknown>>): PublicJwk | string {
  const { kty, crv, x, y, n, e } = key
  switch (kty) {
    case 'EC':
      if (crv !== 'P-256') return 'must be on the curve P-256'
      if (!matches(x, coordinate) || !matches(y, coordinate)) return 'has malformed coordinates x and y'
      return { kty, crv, x, y }
    case 'OKP':
      if (crv !== 'Ed25519') return 'must be on the curve Ed25519'
      if (!matches(x, coordinate)) return 'has a malformed x'
      return { kty, crv, x }
    case 'RSA':
      if (typeof n === 'string' && n.length > publicJwksLimits.modulusCharacters) return 'is longer than 8192 bits'
      if (!matches(n, base64url) || n.length < shortestModulus || n.startsWith('AA'))
        return 'must have at least 2048 bits'
      if (e !== 'AQAB') return 'must have the exponent AQAB (65537)'
      return { kty, n, e }
    default:
      return 'has a kty that is not supported; use EC, OKP or RSA'
  }
}

function matches(value: unknown, shape: RegExp): value is string {
  return typeof value === 'string' && value.length <= publicJwksLimits.modulusCharacters && shape.test(value)
}

function isKeyId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= publicJwksLimits.kidCharacters &&
    value.isWellFormed() &&
    !hasControlCharacter(value)
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
