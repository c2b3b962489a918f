import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { importPublicJwk } from '../../src/crypto/jwk.ts'
import { parseJws, signJws, signingKey, verifyJws, type VerificationKey } from '../../src/crypto/jws.ts'
import { verifyBytes, signBytes } from '../../src/crypto/jws-algorithm.ts'
import { thumbprint } from '../../src/crypto/thumbprint.ts'

type Example = {
  readonly input: { readonly payload: string; readonly key: Record<string, string>; readonly alg: string }
  readonly signing: { readonly 'sig-input': string; readonly sig: string }
  readonly output: { readonly compact: string; readonly json?: object; readonly json_flat?: object }
}

function read(name: string): Example {
  return JSON.parse(readFileSync(new URL(`../vectors/jose-cookbook/${name}.json`, import.meta.url), 'utf8')) as Example
}

function readKey(name: string): Record<string, string> {
  return JSON.parse(readFileSync(new URL(`../vectors/jose-cookbook/${name}.json`, import.meta.url), 'utf8')) as Record<
    string,
    string
  >
}

function publicPart(jwk: Record<string, string>): Record<string, string> {
  const secret = ['d', 'p', 'q', 'dp', 'dq', 'qi']
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !secret.includes(name)))
}

function imported(jwk: object): VerificationKey {
  const key = importPublicJwk(jwk)
  if ('refused' in key) throw new Error(key.refused)
  return key
}

describe.each([
  ['RFC 7520 §4.1: RS256', 'jws_4_1.rsa_v15_signature'],
  ['RFC 8037 §A.4: EdDSA', 'curve25519_jws'],
])('%s', (_, name) => {
  const example = read(name)

  test('verifies, and its payload comes out', () => {
    const jws = parseJws(example.output.compact, 8192)
    expect(jws).not.toHaveProperty('refused')
    if ('refused' in jws) return
    const payload = verifyJws(jws, imported(publicPart(example.input.key)))
    expect(Buffer.isBuffer(payload) && payload.toString()).toBe(example.input.payload)
  })

  test('signing gives the same bytes', () => {
    const key = createPrivateKey({ key: example.input.key, format: 'jwk' })
    const algorithm = example.input.alg as 'RS256' | 'EdDSA'
    const signature = signBytes(algorithm, key, Buffer.from(example.signing['sig-input']))
    expect(signature.toString('base64url')).toBe(example.signing.sig)
  })

  test('its private key is refused where a public one belongs', () => {
    expect(importPublicJwk(example.input.key)).toHaveProperty('refused', expect.stringContaining('private'))
  })

  test('only its compact form is taken', () => {
    expect(parseJws(JSON.stringify(example.output.json), 8192)).toEqual({ refused: 'malformed' })
    expect(parseJws(JSON.stringify(example.output.json_flat), 8192)).toEqual({ refused: 'malformed' })
  })
})

describe('RFC 7520 examples of algorithms that do not exist here are refused', () => {
  test.each([
    ['PS384', 'jws_4_2.rsa-pss_signature'],
    ['ES512', 'jws_4_3.ecdsa_signature'],
    ['HS256', 'jws_4_4.hmac-sha2_integrity_protection'],
  ])('%s', (_, name) => {
    const { output, input } = read(name)
    const jws = parseJws(output.compact, 8192)
    const rsa = imported(publicPart(read('jws_4_1.rsa_v15_signature').input.key))
    expect('refused' in jws ? jws : verifyJws(jws, rsa)).toEqual({ refused: 'algorithm' })
    if (input.key['kty'] !== 'RSA') expect(importPublicJwk(publicPart(input.key))).toHaveProperty('refused')
  })

  test('a detached payload (§4.5) does not verify', () => {
    const { output } = read('jws_4_5.signature_with_detached_content')
    const jws = parseJws(output.compact, 8192)
    const rsa = imported(publicPart(read('jws_4_1.rsa_v15_signature').input.key))
    expect('refused' in jws ? jws : verifyJws(jws, rsa)).toHaveProperty('refused')
  })

  test.each([
    'jws_4_6.protecting_specific_header_fields',
    'jws_4_7.protecting_content_only',
    'jws_4_8.multiple_signatures',
  ])('%s has no compact form', (name) => {
    const { output } = read(name)
    expect(parseJws(JSON.stringify(output.json), 16_384)).toEqual({ refused: 'malformed' })
  })
})

describe('RFC 7520 §3 keys', () => {
  test('the RSA key pair fits itself', () => {
    const pair = createPrivateKey({ key: readKey('jwk_3_4.rsa_private_key'), format: 'jwk' })
    const key = imported(readKey('jwk_3_3.rsa_public_key'))
    for (const algorithm of ['RS256', 'PS256'] as const) {
      const signature = signBytes(algorithm, pair, Buffer.from('x'))
      expect(verifyBytes(algorithm, key.publicKey, { input: Buffer.from('x'), signature })).toBe(true)
      expect(verifyBytes(algorithm, key.publicKey, { input: Buffer.from('y'), signature })).toBe(false)
    }
  })

  test('P-521 is no curve of ours', () => {
    expect(importPublicJwk(readKey('jwk_3_1.ec_public_key'))).toHaveProperty('refused')
  })
})

test('RFC 8037 §A.3: the thumbprint of its example', async () => {
  const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
  expect(await thumbprint({ kty: 'OKP', crv: 'Ed25519', x })).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

test('RFC 8037 §A.4: our signer makes a JWS that the example key verifies', () => {
  const jwk = read('curve25519_jws').input.key
  const pkcs8 = createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'pkcs8' })
  const jws = parseJws(signJws(signingKey('k', 'EdDSA', pkcs8), 'JWT', '{"a":1}'), 8192)
  if ('refused' in jws) throw new Error(jws.refused)
  const publicKey = createPublicKey({ key: publicPart(jwk), format: 'jwk' })
  expect(verifyJws(jws, { algorithms: ['EdDSA'], publicKey })).toEqual(Buffer.from('{"a":1}'))
  expect(jws).toMatchObject({ algorithm: 'EdDSA', keyId: 'k', type: 'jwt' })
})
