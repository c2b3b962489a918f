import { pbkdf2Sync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isImportedHash, parseImportedHash } from '../../src/crypto/imported-password.ts'
import { hashPassword, verifyPassword } from '../../src/crypto/password.ts'

const bare = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
const printed = (iterations: number, salt: string, hash: Uint8Array) =>
  `$pbkdf2-sha256$i=${iterations}$${bare(Buffer.from(salt))}$${bare(hash)}`

describe('passwords of other servers', () => {
  // RFC 7914 §11: PBKDF2-HMAC-SHA256 of "Password" with 80000 iterations.
  test('agrees with the published vector', () => {
    const hash = Buffer.from(
      '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56' +
        'a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
      'hex',
    )
    expect(verifyPassword(printed(80_000, 'NaCl', hash), 'Password')).toBe(true)
    expect(verifyPassword(printed(80_000, 'NaCl', hash), 'password')).toBe(false)
    expect(verifyPassword(printed(80_001, 'NaCl', hash), 'Password')).toBe(false)
    expect(verifyPassword(printed(80_000, 'NaCL', hash), 'Password')).toBe(false)
  })

  test('a shorter hash is no easier than it is long, and an empty one is none', () => {
    const short = pbkdf2Sync('Password', 'salt', 1_000, 16, 'sha256')
    expect(verifyPassword(printed(1_000, 'salt', short), 'Password')).toBe(true)
    for (const text of [
      '$pbkdf2-sha256$i=1000$c2FsdA$',
      '$pbkdf2-sha256$i=1000$c2FsdA$AAAA',
      '$pbkdf2-sha256$i=0$c2FsdA$',
    ])
      expect(() => verifyPassword(text, '')).toThrow()
  })

  test('what costs nothing, or more than a sign-in may, is refused', () => {
    const hash = Buffer.alloc(32, 1)
    for (const iterations of [0, 1, 999, 2_000_001, 9_999_999, 10_000_000])
      expect(parseImportedHash(printed(iterations, 'salt', hash))).toBeUndefined()
    for (const iterations of [1_000, 100_000, 2_000_000])
      expect(parseImportedHash(printed(iterations, 'salt', hash))).toMatchObject({ iterations })
  })

  test('ours is none of them', () => {
    expect(isImportedHash(hashPassword('a kingfisher over 7 canals'))).toBe(false)
    expect(isImportedHash(undefined)).toBe(false)
    expect(isImportedHash(printed(1_000, 'salt', Buffer.alloc(32)))).toBe(true)
  })
})
