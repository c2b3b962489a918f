import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase64url, decodeUtf8, encodeBase64url } from '../../src/crypto/encoding.ts'

test('decoding is the inverse of encoding', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(decodeBase64url(encodeBase64url(bytes))).toEqual(Buffer.from(bytes))
    }),
  )
})

describe('E08: one value has one spelling (RFC 4648 §3.5)', () => {
  test.each([
    ['padding', 'Zg=='],
    ['stray trailing bits', 'Zh'],
    ['stray trailing bits of two bytes', 'Zm9'],
    ['a space', 'Zm 9v'],
    ['a line break at the end', 'Zm9v\n'],
    ['the other alphabet', '+/+/'],
    ['a single character', 'Z'],
    ['a letter outside', 'Zm9ö'],
    ['a NUL', 'Zm9v\0'],
  ])('%s is refused', (_, text) => expect(decodeBase64url(text)).toBeUndefined())

  test('no other text decodes to the same bytes', () => {
    const alphabet = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n')
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 28 }),
        (bytes, text) => {
          const right = encodeBase64url(bytes)
          if (text !== right) expect(decodeBase64url(text)).not.toEqual(Buffer.from(bytes))
        },
      ),
      { numRuns: 2000 },
    )
  })
})

test('UTF-8 must be well-formed, and a byte order mark is not swallowed', () => {
  expect(decodeUtf8(Buffer.from('ö€😀'))).toBe('ö€😀')
  expect(decodeUtf8(Buffer.of(0xc3))).toBeUndefined()
  expect(decodeUtf8(Buffer.of(0xc0, 0x80))).toBeUndefined()
  expect(decodeUtf8(Buffer.of(0xed, 0xa0, 0x80))).toBeUndefined()
  expect(decodeUtf8(Buffer.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\u{feff}a')
})
