import { constants, sign, verify, type KeyObject } from 'node:crypto'
import type { AssertionAlgorithm } from '../protocol/algorithm.ts'
import { concatenatedToDer, derToConcatenated } from './ecdsa-der.ts'

/** Every algorithm that a JWS may have here. `none` and the HMAC family don't exist (RFC 8725 §3.1, §3.2). */
export type JwsAlgorithm = AssertionAlgorithm

type Scheme = {
  readonly sign: (key: KeyObject, input: Uint8Array) => Buffer
  readonly verify: (key: KeyObject, input: Uint8Array, signature: Uint8Array) => boolean
}

// RFC 8037 §3.1
const ed25519: Scheme = {
  sign: (key, input) => sign(null, input, key),
  verify: (key, input, signature) => signature.length === 64 && verify(null, input, key, signature),
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }

const schemes: Readonly<Record<JwsAlgorithm, Scheme>> = {
  // RFC 7518 §3.4: r ‖ s, 32 bytes each. The key alone as argument is a third faster than an object with options.
  ES256: {
    sign: (key, input) => derToConcatenated(sign('sha256', input, key)),
    verify: (key, input, signature) =>
      signature.length === 64 && verify('sha256', input, key, concatenatedToDer(signature)),
  },
  // RFC 7518 §3.3
  RS256: {
    sign: (key, input) => sign('sha256', input, key),
    verify: (key, input, signature) => verify('sha256', input, key, signature),
  },
  // RFC 7518 §3.5: the salt is as long as the hash
  PS256: {
    sign: (key, input) => sign('sha256', input, { key, ...pss }),
    verify: (key, input, signature) => verify('sha256', input, { key, ...pss }, signature),
  },
  EdDSA: ed25519,
  // RFC 9864 §2.2: the same under the name that newer libraries use
  Ed25519: ed25519,
}

export function signBytes(algorithm: JwsAlgorithm, key: KeyObject, input: Uint8Array): Buffer {
  return schemes[algorithm].sign(key, input)
}

export function verifyBytes(
  algorithm: JwsAlgorithm,
  key: KeyObject,
  { input, signature }: { readonly input: Uint8Array; readonly signature: Uint8Array },
): boolean {
  return schemes[algorithm].verify(key, input, signature)
}
