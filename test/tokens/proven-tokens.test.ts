import { describe, expect, test } from 'vitest'
import { signAccessJwt } from '../../src/tokens/jwt.ts'
import { createProvenTokens } from '../../src/tokens/proven-tokens.ts'
import { sealAccessToken } from '../../src/tokens/sealed.ts'
import { verifyAccess } from '../../src/tokens/verify.ts'
import { claims, fixedKeys, issuer, now } from './fixtures.ts'

const keys = fixedKeys('proven')
const expected = { issuer, now }
const texts = {
  jwt: signAccessJwt(keys.signing('ES256'), claims),
  opaque: sealAccessToken(keys, claims, keys.random),
}

describe.each(['jwt', 'opaque'] as const)('a %s that was proved before', (format) => {
  const text = texts[format]

  test('is understood the same again', () => {
    expect(verifyAccess(keys, text, expected)).toEqual(claims)
    expect(verifyAccess(keys, text, expected)).toEqual(claims)
  })

  test('still expires, and still is of one issuer', () => {
    expect(verifyAccess(keys, text, { issuer, now: claims.exp })).toEqual({ refused: 'token_expired' })
    expect(verifyAccess(keys, text, { issuer: 'https://other.example', now })).toHaveProperty('refused')
  })

  test('proves nothing once its key may no longer verify', () => {
    expect(verifyAccess(keys, text, expected)).toEqual(claims)
    const retired = { verification: () => undefined, importedKey: () => undefined, secretById: () => undefined }
    expect(verifyAccess(retired, text, expected)).toEqual({ refused: 'token_signature' })
  })

  test('proves nothing under another key of the same name', () => {
    expect(verifyAccess(keys, text, expected)).toEqual(claims)
    const other = fixedKeys('proven-otherwise')
    const swapped = {
      verification: () => other.verification('proven-otherwise-RS256'),
      importedKey: () => undefined,
      secretById: () => other.secret('token-seal'),
    }
    expect(verifyAccess(swapped, text, expected)).toEqual({ refused: 'token_signature' })
  })

  test('says nothing for a text that differs in its last letter', () => {
    expect(verifyAccess(keys, text, expected)).toEqual(claims)
    const last = text.endsWith('A') ? 'Q' : 'A'
    expect(verifyAccess(keys, text.slice(0, -1) + last, expected)).toHaveProperty('refused')
  })
})

test('what is remembered is bounded, and what is asked for stays', () => {
  const key = {}
  const proven = createProvenTokens<object>()
  proven.keep('asked for', { keyId: 'k', key, claims })
  proven.keep('forgotten', { keyId: 'k', key, claims })
  for (let count = 0; count < 6000; count += 1) {
    proven.keep(`token ${count}`, { keyId: 'k', key, claims })
    expect(proven.recall('asked for', () => key)).toBe(claims)
  }
  expect(proven.recall('forgotten', () => key)).toBeUndefined()
})
