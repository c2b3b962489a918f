import fc from 'fast-check'
import { expect, test } from 'vitest'
import { basicChallenge, bearerChallenge, clientChallenge } from '../../src/protocol/challenge.ts'
import { refuse } from '../../src/protocol/errors.ts'

test('RFC 6749 §5.2, RFC 7617 §2: the challenge of client authentication', () => {
  expect(basicChallenge('https://as.example')).toBe('Basic realm="https://as.example", charset="UTF-8"')
  expect(clientChallenge('https://as.example')).toBe('Client realm="https://as.example"')
})

test('RFC 6750 §3.1: without a token the challenge names no error', () => {
  expect(bearerChallenge('gatehouse')).toBe('Bearer realm="gatehouse"')
})

test('RFC 6750 §3: with one it names error, description and the scope that was needed', () => {
  expect(bearerChallenge('gatehouse', refuse('insufficient_scope', 'token_scope', 'a hint'), 'admin:read me')).toBe(
    'Bearer realm="gatehouse", error="insufficient_scope", error_description="a hint", scope="admin:read me"',
  )
  expect(bearerChallenge('gatehouse', refuse('invalid_token', 'token_expired'))).toMatch(
    /^Bearer realm="gatehouse", error="invalid_token", error_description="[^"]+"$/,
  )
})

test('RFC 9110 §5.6.4: whatever stands inside, it stays inside its quotes and on its line', () => {
  expect(basicChallenge('a"b\\c\r\nX: 1é')).toBe('Basic realm="a\\"b\\\\c??X: 1?", charset="UTF-8"')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (realm) => {
      expect(basicChallenge(realm)).toMatch(
        /^Basic realm="(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*", charset="UTF-8"$/,
      )
    }),
  )
})
