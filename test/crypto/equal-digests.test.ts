import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalDigests } from '../../src/crypto/equal-digests.ts'
import { sha256 } from '../../src/crypto/hash.ts'

test('two hashes are the same exactly where they are spelled the same', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (left, right) => {
      expect(equalDigests(sha256(left), sha256(right))).toBe(left === right)
      expect(equalDigests(sha256(left), sha256(left))).toBe(true)
      expect(equalDigests(left, right)).toBe(left === right)
    }),
  )
})

test('as many characters in more bytes are no match, and no error', () => {
  expect(equalDigests('é'.repeat(43), 'e'.repeat(43))).toBe(false)
})
