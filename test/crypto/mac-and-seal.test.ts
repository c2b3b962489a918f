import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checksum } from '../../src/crypto/checksum.ts'
import { equal } from '../../src/crypto/equal.ts'
import { leftHalfHash, sha256, sha256Base64 } from '../../src/crypto/hash.ts'
import { deriveMacKey, hmacSha256, mac, macBytes, macKey, verifyMac } from '../../src/crypto/mac.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { openAtRest, openOnce, sealAtRest, sealOnce, sealOverhead } from '../../src/crypto/seal.ts'

const random = createRandom()
const key = macKey(random.bytes(32))
const otherKey = macKey(random.bytes(32))

describe('hashes', () => {
  test('SHA-256 of "abc" (FIPS 180-4)', () => {
    expect(Buffer.from(sha256('abc'), 'base64url').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
    expect(sha256Base64('abc')).toBe('ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=')
  })

  test('OIDC Core §A.3: the at_hash of its example', () => {
    expect(leftHalfHash('RS256', 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y')).toBe('77QmUPtjPfzWtF2AnpK9RQ')
    expect(leftHalfHash('ES256', 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y')).toBe('77QmUPtjPfzWtF2AnpK9RQ')
  })

  test('Ed25519 hashes with SHA-512, so its half has 32 bytes', () => {
    expect(Buffer.from(leftHalfHash('EdDSA', 'x'), 'base64url')).toHaveLength(32)
  })

  test('CRC32 has its check value, eight digits long', () => {
    expect(checksum('123456789')).toBe('cbf43926')
    expect(checksum('')).toBe('00000000')
  })
})

describe('equal', () => {
  test('is equality, whatever the lengths', () => {
    const text = fc.string({ maxLength: 5 })
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(equal(left, right)).toBe(left === right)
        expect(equal(left, Buffer.from(left))).toBe(true)
      }),
    )
  })
})

describe('MACs', () => {
  test('HKDF and HMAC-SHA256 agree with the standard construction', () => {
    // RFC 5869 with an empty salt: PRK = HMAC(0^32, secret), OKM = HMAC(PRK, info ‖ 0x01).
    const zero = macKey(new Uint8Array(32))
    const extracted = macKey(Buffer.from(mac(zero, 'the secret'), 'base64url'))
    const expanded = macKey(Buffer.from(mac(extracted, 'the purpose\u0001'), 'base64url'))
    expect(mac(deriveMacKey('the secret', 'the purpose'), 'message')).toBe(mac(expanded, 'message'))
    expect(mac(deriveMacKey('the secret', 'another purpose'), 'message')).not.toBe(mac(expanded, 'message'))
  })

  test('RFC 2104: the same for bytes, up to the longest that the two hashes are made of and beyond', () => {
    const bytes = random.bytes(32)
    for (const length of [0, 1, 63, 64, 65, 341, 342, 1_024, 5_000]) {
      const message = random.bytes(length)
      expect(macBytes(macKey(bytes), message)).toEqual(hmacSha256(bytes, message))
    }
  })

  test('RFC 2104: the same as an HMAC object makes, for texts of any length and alphabet', () => {
    const bytes = random.bytes(32)
    const own = macKey(bytes)
    const expected = (text: string) => hmacSha256(bytes, Buffer.from(text, 'utf8')).toString('base64url')
    for (const length of [0, 1, 63, 64, 340, 341, 342, 1024, 5000]) {
      for (const letter of ['a', '\u00e9', '\u20ac', '\u{1f511}'])
        expect(mac(own, letter.repeat(length)), `${length} of ${letter}`).toBe(expected(letter.repeat(length)))
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 350 }), (text) => {
        expect(mac(own, text)).toBe(expected(text))
        expect(verifyMac(own, text, expected(text))).toBe(true)
      }),
    )
  })

  test('only the one spelling of the right MAC verifies', () => {
    const right = mac(key, 'message')
    expect(right).toHaveLength(43)
    expect(verifyMac(key, 'message', right)).toBe(true)
    expect(verifyMac(key, 'massage', right)).toBe(false)
    expect(verifyMac(otherKey, 'message', right)).toBe(false)
    for (const wrong of ['', right.slice(0, 42), `${right}=`, `${right}A`, ` ${right}`, mac(otherKey, 'message')]) {
      expect(verifyMac(key, 'message', wrong)).toBe(false)
    }
    // 43 characters hold 258 bits: each MAC would have four spellings if trailing bits didn't count.
    const last = right.at(-1)!
    for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      expect(verifyMac(key, 'message', right.slice(0, 42) + letter)).toBe(letter === last)
    }
  })

  test.each([0, 16, 31, 33])('a key of %s bytes is refused', (size) => {
    expect(() => macKey(new Uint8Array(size))).toThrow(RangeError)
  })

  test('a key does not print', () => {
    const secret = new Uint8Array(32).fill(0x41)
    expect(JSON.stringify({ key: macKey(secret) })).not.toMatch(/QUFB|AAAA|65/)
    expect(inspect(macKey(secret), { depth: 9, showHidden: true })).not.toMatch(/QUFB|AAAA|65/)
  })
})

describe('seals', () => {
  const value = { kind: 'at', associated: 'at.k1', plaintext: 'the claims, in clear' }

  test('what is sealed opens, and no two seals are alike', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (plaintext) => {
        const bytes = sealOnce(key, { ...value, plaintext }, random)
        expect(bytes).toHaveLength(plaintext.length + sealOverhead)
        expect(openOnce(key, { kind: 'at', associated: 'at.k1', bytes })).toEqual(Buffer.from(plaintext))
        expect(sealOnce(key, { ...value, plaintext }, random)).not.toEqual(bytes)
      }),
    )
  })

  test('another key, kind or associated text opens nothing', () => {
    const bytes = sealOnce(key, value, random)
    expect(openOnce(otherKey, { ...value, bytes })).toBeUndefined()
    expect(openOnce(key, { ...value, kind: 'vh', bytes })).toBeUndefined()
    expect(openOnce(key, { ...value, associated: 'at.k2', bytes })).toBeUndefined()
  })

  test('one changed bit anywhere, or a byte more or less, opens nothing', () => {
    const bytes = sealOnce(key, value, random)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(openOnce(key, { ...value, bytes: changed })).toBeUndefined()
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(openOnce(key, { ...value, bytes: bytes.subarray(0, length) })).toBeUndefined()
    }
    expect(openOnce(key, { ...value, bytes: Buffer.concat([bytes, Buffer.of(0)]) })).toBeUndefined()
  })

  test('at rest: bound to its place, which has no ambiguous spelling; begins with a version', () => {
    const place = ['instance', 'key', 'mac:000001']
    const sealed = sealAtRest(key, { place, plaintext: Buffer.from('secret') }, random)
    expect(sealed[0]).toBe(1)
    expect(openAtRest(key, place, sealed)).toEqual(Buffer.from('secret'))
    expect(openAtRest(key, ['instance', 'key', 'mac:000002'], sealed)).toBeUndefined()
    expect(openAtRest(key, ['instancekey', '', 'mac:000001'], sealed)).toBeUndefined()
    expect(openAtRest(key, ['other', 'key', 'mac:000001'], sealed)).toBeUndefined()
    expect(openAtRest(otherKey, place, sealed)).toBeUndefined()
    expect(openAtRest(key, place, Buffer.concat([Buffer.of(2), sealed.subarray(1)]))).toBeUndefined()
    expect(openAtRest(key, place, Buffer.alloc(0))).toBeUndefined()
  })

  test('a value sealed at rest is no token, and the other way round', () => {
    const atRest = sealAtRest(key, { place: ['at.k1'], plaintext: Buffer.from('x') }, random)
    expect(openOnce(key, { kind: 'at', associated: '["at.k1"]', bytes: atRest.subarray(1) })).toBeUndefined()
  })
})
