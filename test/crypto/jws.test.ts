import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import * as jose from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { generateSigningPair, importPublicJwk, type PublicJwk } from '../../src/crypto/jwk.ts'
import {
  parseJws,
  signJws,
  signingKey,
  verifyJws,
  type SigningKey,
  type VerificationKey,
} from '../../src/crypto/jws.ts'
import { quickest } from '../kit/quickest.ts'

const algorithms = ['ES256', 'RS256', 'EdDSA'] as const
type Pair = { readonly signing: SigningKey; readonly verification: VerificationKey; readonly jwk: PublicJwk }
const pairs = new Map<string, Pair>()

beforeAll(async () => {
  for (const algorithm of algorithms) {
    const { pkcs8, publicJwk } = await generateSigningPair(algorithm)
    const verification = importPublicJwk({ ...publicJwk, kid: algorithm, alg: algorithm })
    if ('refused' in verification) throw new Error(verification.refused)
    pairs.set(algorithm, { signing: signingKey(algorithm, algorithm, pkcs8), verification, jwk: publicJwk })
  }
})

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** What an endpoint would make of it: the payload, or why not. */
function judge(text: string, key: VerificationKey, longest = 8192): string {
  const jws = parseJws(text, longest)
  if ('refused' in jws) return jws.refused
  const payload = verifyJws(jws, key)
  return 'refused' in payload ? payload.refused : `accepted ${payload.toString()}`
}

/** A text signed with our key, whatever stands in its header. */
function signedWith(pair: Pair, header: unknown, payload = '{"a":1}'): string {
  const input = `${encode(header)}.${encode(payload)}`
  const jws = signJws({ ...pair.signing, headers: new Map([['x', input.split('.')[0]!]]) }, 'x', payload)
  expect(jws.startsWith(`${input}.`)).toBe(true)
  return jws
}

describe.each(algorithms)('%s', (algorithm) => {
  test('jose, an independent implementation, verifies what we sign', async () => {
    const { signing, jwk } = pairs.get(algorithm)!
    const text = signJws(signing, 'at+jwt', '{"sub":"ö"}')
    const { payload, protectedHeader } = await jose.jwtVerify(text, await jose.importJWK(jwk, algorithm))
    expect(payload).toEqual({ sub: 'ö' })
    expect(protectedHeader).toEqual({ alg: algorithm, typ: 'at+jwt', kid: algorithm })
  })

  test('we verify what jose signs', async () => {
    const { privateKey, publicKey } = await jose.generateKeyPair(algorithm, { extractable: true })
    const key = importPublicJwk(await jose.exportJWK(publicKey))
    if ('refused' in key) throw new Error(key.refused)
    const text = await new jose.SignJWT({ a: 1 }).setProtectedHeader({ alg: algorithm }).sign(privateKey)
    expect(judge(text, key)).toBe('accepted {"a":1}')
  })

  test('every changed character of a JWS is refused', () => {
    const { signing, verification } = pairs.get(algorithm)!
    const text = signJws(signing, 'JWT', '{"a":1}')
    for (let at = 0; at < text.length; at++) {
      for (const letter of ['A', 'b', '-', '.', '=', ' ']) {
        if (text[at] === letter) continue
        expect(judge(text.slice(0, at) + letter + text.slice(at + 1), verification)).not.toMatch(/^accepted/)
      }
    }
  })
})

test('PS256 of a client verifies', async () => {
  const { privateKey, publicKey } = await jose.generateKeyPair('PS256', { extractable: true })
  const key = importPublicJwk(await jose.exportJWK(publicKey))
  if ('refused' in key) throw new Error(key.refused)
  const text = await new jose.SignJWT({ a: 1 }).setProtectedHeader({ alg: 'PS256' }).sign(privateKey)
  expect(judge(text, key)).toBe('accepted {"a":1}')
  // A key that was registered for one algorithm is not used for another of the same family.
  expect(judge(text, { ...key, algorithms: ['RS256'] })).toBe('algorithm')
})

test('RFC 7518 §3.4: an ES256 signature has 64 bytes; zeros put in front of r or s make no second spelling', () => {
  const { signing, verification } = pairs.get('ES256')!
  const text = signJws(signing, 'JWT', '{"a":1}')
  const input = text.slice(0, text.lastIndexOf('.'))
  const signature = Buffer.from(text.slice(input.length + 1), 'base64url')
  const zero = Buffer.alloc(1)
  const withZeroInS = Buffer.concat([signature.subarray(0, 32), zero, signature.subarray(32)])
  const withZeroInR = Buffer.concat([zero, signature])
  for (const longer of [withZeroInS, withZeroInR]) {
    expect(judge(`${input}.${longer.toString('base64url')}`, verification)).toBe('signature')
  }
})

describe('E01 alg-none', () => {
  test.each(['none', 'None', 'nOnE', 'NONE', ''])('%j, with and without a signature', (alg) => {
    const { verification } = pairs.get('ES256')!
    expect(judge(`${encode({ alg })}.${encode('{}')}.`, verification)).toBe('malformed')
    expect(judge(`${encode({ alg })}.${encode('{}')}.AAAA`, verification)).toBe('algorithm')
  })

  test('an empty signature under a real algorithm', () => {
    const { signing, verification } = pairs.get('ES256')!
    const text = signJws(signing, 'JWT', '{}')
    expect(judge(text.slice(0, text.lastIndexOf('.') + 1), verification)).toBe('malformed')
  })
})

test('E02 HS-RS: HMAC under the public key as PEM, DER or JWK', () => {
  const { verification, jwk } = pairs.get('RS256')!
  const publicKey = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  const secrets = [
    publicKey.export({ type: 'spki', format: 'pem' }),
    publicKey.export({ type: 'spki', format: 'der' }),
    publicKey.export({ type: 'pkcs1', format: 'pem' }),
    JSON.stringify(jwk),
  ]
  for (const secret of secrets) {
    const input = `${encode({ alg: 'HS256', kid: 'RS256' })}.${encode('{"a":1}')}`
    const text = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    expect(judge(text, verification)).toBe('algorithm')
  }
})

test('the key decides on the algorithm: a right signature under another name is refused', () => {
  const rsa = pairs.get('RS256')!
  expect(judge(signedWith(rsa, { alg: 'PS256' }), rsa.verification)).toBe('algorithm')
  expect(judge(signedWith(rsa, { alg: 'ES256' }), pairs.get('ES256')!.verification)).toBe('signature')
  expect(judge(signedWith(rsa, { alg: 'rs256' }), rsa.verification)).toBe('algorithm')
})

describe('E03 kid-injection', () => {
  test('a kid is a short text and nothing else', () => {
    const pair = pairs.get('ES256')!
    expect(judge(signedWith(pair, { alg: 'ES256', kid: 'x'.repeat(10_240) }), pair.verification, 32_768)).toBe(
      'malformed',
    )
    expect(judge(signedWith(pair, { alg: 'ES256', kid: ['ES256'] }), pair.verification)).toBe('malformed')
    expect(judge(signedWith(pair, { alg: 'ES256', kid: { a: 1 } }), pair.verification)).toBe('malformed')
    expect(judge(signedWith(pair, { alg: 'ES256', kid: null }), pair.verification)).toBe('malformed')
  })
})

test('E04: a key that comes with the token is never looked at', () => {
  const pair = pairs.get('ES256')!
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const foreign: Pair = { ...pair, signing: { ...pair.signing, privateKey } }
  const jwk = publicKey.export({ format: 'jwk' })
  const header = {
    alg: 'ES256',
    kid: 'ES256',
    jwk,
    jku: 'https://evil.example/',
    x5u: 'https://evil.example/',
    x5c: ['AA'],
  }
  expect(judge(signedWith(foreign, header), pair.verification)).toBe('signature')
  expect(judge(signedWith(pair, header), pair.verification)).toBe('accepted {"a":1}')
})

describe('E05 crit and b64, E06 encryption and compression', () => {
  test.each([
    { crit: ['exp'], exp: 1 },
    { crit: [] },
    { crit: ['b64'], b64: false },
    { b64: false },
    { b64: true },
    { enc: 'A256GCM' },
    { zip: 'DEF' },
    { crit: null },
  ])('%j', (more) => {
    const pair = pairs.get('ES256')!
    expect(judge(signedWith(pair, { alg: 'ES256', ...more }), pair.verification)).toBe('malformed')
  })

  test('E06: a JWE of five parts is refused at once', async () => {
    const { verification } = pairs.get('RS256')!
    const header = encode({ alg: 'PBES2-HS256+A128KW', p2c: 2 ** 31, enc: 'A128GCM', zip: 'DEF' })
    const took = await quickest(() => {
      expect(judge(`${header}.AAAA.AAAA.AAAA.AAAA`, verification)).toBe('malformed')
      expect(judge(`${header}.AAAA.AAAA`, verification)).toBe('malformed')
    })
    expect(took).toBeLessThan(10)
  })
})

describe('E08 loose-encoding', () => {
  test.each([
    ['padding', (text: string) => `${text}=`],
    ['a space before', (text: string) => ` ${text}`],
    ['a line break behind', (text: string) => `${text}\n`],
    ['a fourth part', (text: string) => `${text}.AAAA`],
    ['a part less', (text: string) => text.slice(0, text.lastIndexOf('.'))],
    ['bytes behind the signature', (text: string) => `${text}AAAA`],
    ['the other alphabet', (text: string) => text.replaceAll('-', '+').replaceAll('_', '/')],
    ['a prefix', (text: string) => `Bearer ${text}`],
  ])('%s', (_, change) => {
    const { signing, verification } = pairs.get('RS256')!
    let text = signJws(signing, 'JWT', '{"a":1}')
    for (let index = 0; !/-/.test(text) || !/_/.test(text); index++) text = signJws(signing, 'JWT', `{"a":${index}}`)
    expect(judge(text, verification)).toMatch(/^accepted/)
    expect(judge(change(text), verification)).not.toMatch(/^accepted/)
  })

  test('stray trailing bits of the signature', () => {
    const { signing, verification } = pairs.get('ES256')!
    const text = signJws(signing, 'JWT', '{"a":1}')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const accepted = Array.from(alphabet).filter((letter) =>
      judge(text.slice(0, -1) + letter, verification).startsWith('accepted'),
    )
    expect(accepted).toEqual([text.at(-1)])
  })

  test.each([
    '{"alg":"ES256","alg":"ES256"}',
    '{"alg":"none","alg":"ES256"}',
    '{"alg":"ES256"',
    '["ES256"]',
    '{"alg":["ES256"]}',
    '{"alg":"ES256","typ":1}',
    '\u{feff}{"alg":"ES256"}',
    '{}',
  ])('a header %s, though rightly signed', (header) => {
    const pair = pairs.get('ES256')!
    expect(judge(signedWith(pair, header), pair.verification)).toBe('malformed')
  })

  test('a text that is too long is not even looked at', () => {
    const { signing, verification } = pairs.get('ES256')!
    const text = signJws(signing, 'JWT', JSON.stringify({ a: 'x'.repeat(9000) }))
    expect(judge(text, verification)).toBe('malformed')
    expect(judge(text, verification, 20_000)).toMatch(/^accepted/)
  })

  test('hostile lengths are judged in linear time', async () => {
    const { verification } = pairs.get('ES256')!
    const texts = ['A'.repeat(1e6), '.'.repeat(1e6), `${'A'.repeat(1e6)}.A.!`, `A.${'A'.repeat(1e6)}.`]
    const took = await quickest(
      () => {
        for (const text of texts) expect(judge(text, verification, 2e6)).toBe('malformed')
      },
      { enough: 500 },
    )
    expect(took).toBeLessThan(500)
  })
})

test('typ is compared as a media type (RFC 7515 §4.1.9)', () => {
  const pair = pairs.get('ES256')!
  const typeOf = (typ: string) => parseJws(signedWith(pair, { alg: 'ES256', typ }), 8192)
  expect(typeOf('application/AT+JWT')).toMatchObject({ type: 'at+jwt' })
  expect(typeOf('JWT')).toMatchObject({ type: 'jwt' })
  expect(typeOf('x-application/at+jwt')).toMatchObject({ type: 'x-application/at+jwt' })
})
