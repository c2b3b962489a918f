import { expect, test } from 'vitest'
import { parsePublicJwks } from '../../src/protocol/public-jwks.ts'

/** A list whose second place is empty, which JSON can't have but a caller in the process can. */
function withHole(first: unknown, last: unknown): readonly unknown[] {
  const list = [first]
  list[2] = last
  return list
}

const ec = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}
const okp = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
const rsa = { kty: 'RSA', n: `s${'A'.repeat(341)}`, e: 'AQAB' }

test('RFC 7517: public signing keys, with the members that we read alone', () => {
  const keys = [
    { ...ec, kid: 'a', use: 'sig', alg: 'ES256' },
    { ...okp, kid: 'b', key_ops: ['verify'], x5c: ['x'] },
    rsa,
  ]
  expect(parsePublicJwks({ keys, extra: 1 })).toEqual([
    { ...ec, kid: 'a', use: 'sig', alg: 'ES256' },
    { ...okp, kid: 'b' },
    rsa,
  ])
})

test.each([
  ['no set', ec, 'JWK Set'],
  ['a list', [ec], 'JWK Set'],
  ['keys that are an object', { keys: { 0: ec } }, 'JWK Set'],
  ['no key', { keys: [] }, '1 to 20'],
  ['E09: a thousand keys', { keys: Array.from({ length: 1_000 }, () => ec) }, '1 to 20'],
  ['a key that is null', { keys: [null] }, 'no JSON object'],
  ['a hole', { keys: withHole(ec, rsa) }, 'no JSON object'],
  ['D21: a private EC key', { keys: [{ ...ec, d: 'x' }] }, 'private'],
  ['D21: a private RSA key', { keys: [{ ...rsa, p: 'x' }] }, 'private'],
  ['D21: a private member that is null', { keys: [{ ...ec, d: null }] }, 'private'],
  ['D13: a symmetric key', { keys: [{ kty: 'oct', k: 'AAAA' }] }, 'private or symmetric'],
  ['E09: another curve', { keys: [{ ...ec, crv: 'secp256k1' }] }, 'P-256'],
  ['E09: X25519', { keys: [{ ...okp, crv: 'X25519' }] }, 'Ed25519'],
  ['E09: an encryption key', { keys: [{ ...ec, use: 'enc' }] }, 'use must be sig'],
  ['E09: key_ops of a signer', { keys: [{ ...ec, key_ops: ['sign'] }] }, 'verify'],
  ['E09: RSA 1024', { keys: [{ ...rsa, n: 's'.repeat(171) }] }, '2048'],
  ['E09: RSA 1024 padded with zeros', { keys: [{ ...rsa, n: `AA${'s'.repeat(340)}` }] }, '2048'],
  ['E09: RSA far too long', { keys: [{ ...rsa, n: 's'.repeat(50_000) }] }, '8192'],
  ['E09: RSA with exponent 1', { keys: [{ ...rsa, e: 'AQ' }] }, 'exponent'],
  ['a short coordinate', { keys: [{ ...ec, x: 'AA' }] }, 'coordinates'],
  ['a coordinate that is a number', { keys: [{ ...ec, y: 1 }] }, 'coordinates'],
  ['an alg of another type', { keys: [{ ...ec, alg: 'RS256' }] }, 'alg'],
  ['the alg none', { keys: [{ ...ec, alg: 'none' }] }, 'alg'],
  ['a kid of one kilobyte', { keys: [{ ...ec, kid: 'a'.repeat(1_024) }] }, 'kid'],
  ['a kid with a control', { keys: [{ ...ec, kid: 'a\n' }] }, 'kid'],
  [
    'two keys of one kid',
    {
      keys: [
        { ...ec, kid: 'a' },
        { ...rsa, kid: 'a' },
      ],
    },
    'kid of another',
  ],
  ['no kty', { keys: [{ x: 1 }] }, 'kty'],
])('%s is refused', (_, set, text) => {
  const result = parsePublicJwks(set)
  expect(typeof result).toBe('string')
  expect(result).toContain(text)
})
