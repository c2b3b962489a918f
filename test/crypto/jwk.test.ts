import { generateKeyPairSync } from 'node:crypto'
import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { generateSigningPair, importJwkSet, importPublicJwk, publicJwkOf } from '../../src/crypto/jwk.ts'
import { signingKey } from '../../src/crypto/jws.ts'
import { thumbprint } from '../../src/crypto/thumbprint.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicEc = ec.publicKey.export({ format: 'jwk' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })

describe('a good public key', () => {
  test.each([
    ['EC', publicEc, ['ES256']],
    ['RSA', rsa, ['RS256', 'PS256']],
    ['Ed25519', ed, ['EdDSA', 'Ed25519']],
    ['Ed25519 under its older name', { ...ed, alg: 'EdDSA' }, ['EdDSA', 'Ed25519']],
    ['Ed25519 under its later name', { ...ed, alg: 'Ed25519' }, ['EdDSA', 'Ed25519']],
    ['RSA for one algorithm', { ...rsa, alg: 'PS256' }, ['PS256']],
    ['with use and key_ops', { ...publicEc, use: 'sig', key_ops: ['verify'], kid: 'a' }, ['ES256']],
  ])('%s may be used with its algorithms alone', (_, jwk, algorithms) => {
    expect(importPublicJwk(jwk)).toMatchObject({ algorithms })
  })

  test('certificates and URLs in it are ignored', () => {
    const loaded = { ...publicEc, x5c: ['nonsense'], x5u: 'https://evil.example/', x5t: 1 }
    expect(importPublicJwk(loaded)).toMatchObject({ algorithms: ['ES256'] })
  })
})

describe('E09 key-hygiene', () => {
  const weak = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' })
  const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })
  const long = Buffer.alloc(1025, 0xff).toString('base64url')

  test.each<[string, unknown, RegExp]>([
    ['RSA 1024', weak(1024), /1024 bits/],
    ['RSA 2040', weak(2040), /2040 bits/],
    ['RSA 8200', { ...rsa, n: long }, /8200 bits/],
    ['exponent 1', { ...rsa, e: 'AQ' }, /exponent/],
    ['exponent 3', { ...rsa, e: 'Aw' }, /exponent/],
    ['an even exponent', { ...rsa, e: 'AQAC' }, /exponent/],
    ['an endless exponent', { ...rsa, e: rsa.n }, /exponent/],
    ['an even modulus', { ...rsa, n: `${String(rsa.n).slice(0, -1)}A`.replace(/.A$/, 'AA') }, /even|base64url/],
    ['no modulus', { ...rsa, n: '' }, /bits/],
    ['P-384', p384, /P-256/],
    ['X25519', x25519, /Ed25519/],
    ['a point off the curve', { ...publicEc, y: ed.x }, /curve/],
    [
      'a coordinate without its leading zero',
      { ...publicEc, x: Buffer.alloc(31, 1).toString('base64url') },
      /32 bytes/,
    ],
    ['a coordinate with padding', { ...publicEc, x: `${publicEc.x}=` }, /32 bytes/],
    ['a short Ed25519 key', { ...ed, x: 'AAAA' }, /32 bytes/],
    ['use enc', { ...publicEc, use: 'enc' }, /use/],
    ['key_ops without verify', { ...publicEc, key_ops: ['sign'] }, /key_ops/],
    ['key_ops twice', { ...publicEc, key_ops: ['verify', 'verify'] }, /key_ops/],
    ['key_ops as text', { ...publicEc, key_ops: 'verify' }, /key_ops/],
    ['alg of another family', { ...publicEc, alg: 'RS256' }, /alg/],
    ['alg HS256', { ...rsa, alg: 'HS256' }, /alg/],
    ['alg none', { ...rsa, alg: 'none' }, /alg/],
    ['a secret', { kty: 'oct', k: 'AAAA' }, /private/],
    ['an unknown type', { kty: 'foo' }, /kty/],
    ['kid as number', { ...publicEc, kid: 1 }, /kid/],
    ['an empty kid', { ...publicEc, kid: '' }, /kid/],
    ['a kid of 257 characters', { ...publicEc, kid: 'x'.repeat(257) }, /kid/],
    ['null', null, /object/],
    ['an array', [publicEc], /object/],
    ['a text', 'x', /object/],
  ])('%s', (_, jwk, why) => {
    expect(importPublicJwk(jwk)).toEqual({ refused: expect.stringMatching(why) as unknown })
  })

  test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])('the private member %s', (name) => {
    const refusal = importPublicJwk({ ...publicEc, [name]: 'c2VjcmV0' })
    expect(refusal).toEqual({ refused: expect.stringMatching(/private/) as unknown })
    expect(JSON.stringify(refusal)).not.toContain('c2VjcmV0')
  })

  test('a set holds 1 to 20 good keys, and no kid twice', () => {
    const keys = (count: number) => ({
      keys: Array.from({ length: count }, (_, index) => ({ ...publicEc, kid: `k${index}` })),
    })
    expect(importJwkSet(keys(20))).toHaveLength(20)
    expect(importJwkSet(keys(21))).toHaveProperty('refused')
    expect(importJwkSet(keys(1000))).toHaveProperty('refused')
    expect(importJwkSet(keys(0))).toHaveProperty('refused')
    expect(importJwkSet({ keys: [publicEc, { ...publicEc, use: 'enc' }] })).toHaveProperty('refused')
    expect(
      importJwkSet({
        keys: [
          { ...publicEc, kid: 'a' },
          { ...rsa, kid: 'a' },
        ],
      }),
    ).toHaveProperty('refused')
    for (const wrong of [null, [], {}, { keys: {} }, 'keys']) expect(importJwkSet(wrong)).toHaveProperty('refused')
  })
})

describe('a new key pair', () => {
  test.each(['ES256', 'RS256', 'EdDSA'] as const)(
    '%s is good enough for ourselves, and its public part is public',
    async (algorithm) => {
      const { pkcs8, publicJwk } = await generateSigningPair(algorithm)
      const key = importPublicJwk({ ...publicJwk, alg: algorithm, use: 'sig' })
      expect('algorithms' in key && key.algorithms).toContain(algorithm)
      expect(Object.keys(publicJwk).filter((name) => !['kty', 'crv', 'x', 'y', 'n', 'e'].includes(name))).toEqual([])
      expect(publicJwkOf(signingKey('k', algorithm, pkcs8))).toEqual(publicJwk)
    },
  )

  test('RSA is made beside the event loop, not on it', async () => {
    let turns = 0
    const ticking = setInterval(() => turns++, 1)
    await Promise.all([generateSigningPair('RS256'), generateSigningPair('RS256')])
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(2)
  })

  test('RFC 7638: its thumbprint is the same with any further members', async () => {
    const { publicJwk } = await generateSigningPair('RS256')
    const print = await thumbprint(publicJwk)
    expect(print).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await jose.calculateJwkThumbprint({ ...publicJwk, kid: 'x', use: 'sig' })).toBe(print)
  })
})
