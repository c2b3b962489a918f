import { expect, test } from 'vitest'
import { sha256 } from '../../src/crypto/hash.ts'
import {
  codeChallengeOf,
  isCodeChallenge,
  isCodeVerifier,
  parseCodeChallenge,
  parseCodeVerifier,
} from '../../src/protocol/pkce.ts'

// RFC 7636 appendix B
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

test('RFC 7636 appendix B: the challenge of the verifier', () => {
  expect(codeChallengeOf(verifier, sha256)).toBe(challenge)
  expect(parseCodeChallenge(challenge, 'S256')).toBe(challenge)
  expect(parseCodeVerifier(verifier)).toBe(verifier)
})

test.each([
  ['42 characters', 'a'.repeat(42), false],
  ['43 characters', 'a'.repeat(43), true],
  ['128 characters', 'a'.repeat(128), true],
  ['129 characters', 'a'.repeat(129), false],
  ['every unreserved character', `${'-._~'.repeat(10)}AZaz09`, true],
  ['a plus', `${'a'.repeat(43)}+`, false],
  ['a newline behind', `${'a'.repeat(43)}\n`, false],
  ['a NUL', `${'a'.repeat(43)}\u0000`, false],
  ['empty', '', false],
])('B05, RFC 7636 §4.1: a verifier of %s', (_, text, valid) => {
  expect(isCodeVerifier(text)).toBe(valid)
})

test.each([
  ['42 characters', challenge.slice(1), false],
  ['44 characters', `${challenge}A`, false],
  ['padding', `${challenge.slice(0, 42)}=`, false],
  ['a character of plain base64', `+${challenge.slice(1)}`, false],
  ['bits beyond 256', `${challenge.slice(0, 42)}N`, false],
  ['its own shape', challenge, true],
])('B05, RFC 7636 §4.2: a challenge of %s', (_, text, valid) => {
  expect(isCodeChallenge(text)).toBe(valid)
})

test.each([
  ['B03: no challenge', undefined, 'S256', 'pkce_missing'],
  ['B04: plain', challenge, 'plain', 'pkce_method'],
  ['B04: no method', challenge, undefined, 'pkce_method'],
  ['B04: s256', challenge, 's256', 'pkce_method'],
  ['B05: bad shape', 'short', 'S256', 'pkce_malformed'],
])('%s is invalid_request', (_, text, method, reason) => {
  expect(parseCodeChallenge(text, method)).toMatchObject({ error: 'invalid_request', reason })
})

test.each([
  ['B01: no verifier', undefined, 'pkce_missing'],
  ['B05: bad shape', 'short', 'pkce_malformed'],
])('%s is invalid_grant', (_, text, reason) => {
  expect(parseCodeVerifier(text)).toMatchObject({ error: 'invalid_grant', reason })
})
