import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Credential } from '../../src/tokens/credential.ts'
import { printCode, readCode } from '../../src/tokens/code.ts'
import { printRefreshToken, readRefreshToken } from '../../src/tokens/refresh.ts'
import { printSessionHandle, readSessionHandle } from '../../src/tokens/session-handle.ts'
import { parseToken, printToken } from '../../src/tokens/token-text.ts'
import { fixedKeys } from './fixtures.ts'

const keys = fixedKeys()
const shapes = [
  ['code', 'ac', printCode, readCode],
  ['refresh token', 'rt', printRefreshToken, readRefreshToken],
  ['session handle', 'ss', printSessionHandle, readSessionHandle],
] as const

function credential(kind: string, generation = 0): Credential {
  const ring = kind === 'ss' ? 'cookie' : 'mac'
  const { keyId } = keys.secret(ring)
  return { recordId: keys.random.id(1_764_000_000_000), generation, imprint: { nonce: keys.random.text(16), keyId } }
}

describe.each(shapes)('a %s', (_, kind, print, read) => {
  test('proves what it was made for, and fits a header line', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 36 ** 7 - 1 }), (generation) => {
        const made = credential(kind, generation)
        const text = print(keys, made)
        expect(text).toMatch(/^gth_[a-z]{2}_[0-9a-f]{8}_[A-Za-z0-9._-]+$/)
        expect(text.length).toBeLessThan(180)
        expect(read(keys, text)).toEqual(made)
      }),
    )
  })

  test('printed again from what the store remembers, it is the same text', () => {
    const made = credential(kind, 41)
    expect(print(keys, structuredClone(made))).toBe(print(keys, made))
  })

  test('any one changed, added or missing character is refused', () => {
    const text = print(keys, credential(kind, 7))
    const letters = Array.from('ABab019_-.=+/ \n\0é')
    for (let at = 0; at < text.length; at++) {
      for (const letter of letters) {
        if (text[at] !== letter) expect(read(keys, text.slice(0, at) + letter + text.slice(at + 1))).toBeUndefined()
        expect(read(keys, text.slice(0, at) + letter + text.slice(at))).toBeUndefined()
      }
      expect(read(keys, text.slice(0, at) + text.slice(at + 1))).toBeUndefined()
    }
    for (const letter of letters) expect(read(keys, text + letter)).toBeUndefined()
  })

  test('the same with a checksum that was made right again: only the MAC decides', () => {
    const body = parseToken(kind, print(keys, credential(kind, 7)))!
    for (let at = 0; at < body.length; at++) {
      for (const letter of 'ABab019_-.') {
        if (body[at] === letter) continue
        expect(read(keys, printToken(kind, body.slice(0, at) + letter + body.slice(at + 1)))).toBeUndefined()
      }
    }
  })

  test('another instance, another key, or no key: refused', () => {
    const text = print(keys, credential(kind))
    expect(read(fixedKeys('k'), text)).toBeUndefined()
    expect(read(fixedKeys('other'), text)).toBeUndefined()
  })

  test('a generation has one spelling', () => {
    const body = parseToken(kind, print(keys, credential(kind, 10)))!
    const [keyId, recordId, generation, ...rest] = body.split('.')
    expect(generation).toBe('a')
    for (const other of ['0a', 'A', '00a', '']) {
      expect(read(keys, printToken(kind, [keyId, recordId, other, ...rest].join('.')))).toBeUndefined()
    }
  })

  test('a longer text than 1 KB is not even looked at', () => {
    expect(read(keys, `${print(keys, credential(kind))}${'x'.repeat(2000)}`)).toBeUndefined()
    expect(read(keys, printToken(kind, 'x'.repeat(1_000_000)))).toBeUndefined()
  })

  test('a key that is gone makes no credential', () => {
    const made = credential(kind)
    expect(() => print(keys, { ...made, imprint: { ...made.imprint, keyId: 'gone' } })).toThrow(/gone/)
  })
})

test('nothing random is a credential, however it is framed', () => {
  const part = fc.string({ unit: fc.constantFrom(...Array.from('abcAB01_-.')), maxLength: 50 })
  fc.assert(
    fc.property(part, part, part, (a, b, c) => {
      for (const [, kind, , read] of shapes) {
        expect(read(keys, printToken(kind, `k-mac.${a}.0.${b}.${c}`))).toBeUndefined()
      }
    }),
    { numRuns: 500 },
  )
})
