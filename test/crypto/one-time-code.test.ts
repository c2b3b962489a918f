import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase32, encodeBase32 } from '../../src/crypto/base32.ts'
import { hotp, totp, verifyTotp, type OneTimeCodeAlgorithm } from '../../src/crypto/one-time-code.ts'

type Vectors = {
  readonly rfc6238: {
    readonly secretsAscii: Readonly<Record<OneTimeCodeAlgorithm, string>>
    readonly values: readonly ({ readonly time: number } & Readonly<Record<OneTimeCodeAlgorithm, string>>)[]
  }
  readonly rfc4226: { readonly secretAscii: string; readonly values: readonly string[] }
  readonly systemB: { readonly keyHex: string; readonly time: number; readonly asPublished: string }
}

const vectors = JSON.parse(readFileSync(new URL('../vectors/otp/otp.json', import.meta.url), 'utf8')) as Vectors
const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const secret = ascii(vectors.rfc4226.secretAscii)

describe('one-time codes', () => {
  test.each(vectors.rfc4226.values.map((code, counter) => [counter, code] as const))(
    'RFC 4226 appendix D: counter %i gives %s',
    (counter, code) => {
      expect(hotp({ secret, counter })).toBe(code)
    },
  )

  test.each(vectors.rfc6238.values)('RFC 6238 appendix B: at $time', ({ time, ...codes }) => {
    for (const algorithm of ['SHA1', 'SHA256', 'SHA512'] as const) {
      const key = ascii(vectors.rfc6238.secretsAscii[algorithm])
      expect(totp({ secret: key, now: time, algorithm, digits: 8 })).toBe(codes[algorithm])
    }
  })

  test('the value that system B published does not come out: it took the wrong bytes and had no steps', () => {
    const { keyHex, time, asPublished } = vectors.systemB
    const key = Buffer.from(keyHex, 'hex')
    const kind = { secret: key, algorithm: 'SHA256' } as const
    expect(hotp({ ...kind, counter: time })).not.toBe(asPublished)
    expect(totp({ ...kind, now: time })).not.toBe(asPublished)
    expect(verifyTotp({ ...kind, now: time, code: asPublished })).toBeUndefined()
  })

  test('RFC 6238 §5.2: a code holds in its step and the two beside it, and no further', () => {
    const now = 1_700_000_010
    const step = Math.floor(now / 30)
    const found = [-2, -1, 0, 1, 2].map((off) =>
      verifyTotp({ secret, now, code: totp({ secret, now: now + 30 * off }) }),
    )
    expect(found).toEqual([undefined, step - 1, step, step + 1, undefined])
  })

  test('H16: a step at or before the last one is refused, so no code works twice', () => {
    const now = 1_700_000_010
    const code = totp({ secret, now })
    const step = verifyTotp({ secret, now, code })
    expect(step).toBeDefined()
    expect(verifyTotp({ secret, now, code, lastStep: step })).toBeUndefined()
    expect(verifyTotp({ secret, now, code: totp({ secret, now: now - 30 }), lastStep: step })).toBeUndefined()
    expect(verifyTotp({ secret, now, code: totp({ secret, now: now + 30 }), lastStep: step })).toBe((step ?? 0) + 1)
  })

  test('H16: a code typed with spaces is the code; another length or another digit is not', () => {
    const now = 1_700_000_010
    const code = totp({ secret, now })
    expect(verifyTotp({ secret, now, code: `${code.slice(0, 3)} ${code.slice(3)}` })).toBeDefined()
    for (const wrong of ['', code.slice(1), `0${code}`, `${code}0`, `${code.slice(0, 5)}x`, '٣٣٣٣٣٣'])
      expect(verifyTotp({ secret, now, code: wrong })).toBeUndefined()
  })

  test('no moment before 1970 + 30 s is asked for a negative counter', () => {
    expect(verifyTotp({ secret, now: 0, code: totp({ secret, now: 0 }) })).toBe(0)
  })
})

describe('base32', () => {
  // RFC 4648 §10
  test.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('RFC 4648 §10: %j is %j', (text, encoded) => {
    expect(encodeBase32(ascii(text))).toBe(encoded)
    expect(decodeBase32(encoded)).toEqual(Uint8Array.from(ascii(text)))
    expect(decodeBase32(`${encoded.toLowerCase()}===`)).toEqual(Uint8Array.from(ascii(text)))
  })

  test('every byte string comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(decodeBase32(encodeBase32(bytes))).toEqual(Uint8Array.from(bytes))
      }),
    )
  })

  test('what is no base32 is refused: other letters, a lone letter, stray bits at the end', () => {
    for (const text of ['0', 'M1', 'MZ!Q', 'A', 'MZ', 'MZXR', 'MY==A']) expect(decodeBase32(text), text).toBeUndefined()
  })
})
