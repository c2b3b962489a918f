import type { webcrypto } from 'node:crypto'

const parameters = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
} as const

export type KeyPairAlgorithm = keyof typeof parameters

/** A key pair for client assertions: the private half for the library, the public half to register (RFC 7517). */
export async function keyPair(algorithm: KeyPairAlgorithm) {
  const made = await crypto.subtle.generateKey(parameters[algorithm], true, ['sign', 'verify'])
  const pair = made as webcrypto.CryptoKeyPair
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  const members = { kty, crv, x, y, n, e, kid: `key-${algorithm}`, alg: algorithm }
  return {
    privateKey: { key: pair.privateKey, kid: members.kid },
    publicJwk: Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined)),
  }
}
