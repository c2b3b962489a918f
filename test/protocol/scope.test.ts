import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  countsForAccounts,
  isReservedScope,
  isScopeToken,
  parseScope,
  printScope,
  scopeLimits,
} from '../../src/protocol/scope.ts'

test('RFC 6749 §3.3: tokens between single spaces, each once, in order', () => {
  expect(parseScope('openid profile openid read:all')).toEqual(['openid', 'profile', 'read:all'])
})

test.each([
  ['nothing', ''],
  ['a space before', ' openid'],
  ['a space behind', 'openid '],
  ['two spaces', 'openid  profile'],
  ['a tab', 'openid\tprofile'],
  ['a double quote', 'op"enid'],
  ['a backslash', 'op\\enid'],
  ['a control', 'op\u0007enid'],
  ['beyond ASCII', 'öpenid'],
  ['too long an item', 'a'.repeat(scopeLimits.tokenCharacters + 1)],
  ['too many items', Array.from({ length: scopeLimits.tokens + 1 }, (_, index) => `s${index}`).join(' ')],
  [
    'too long, though each item is not',
    Array.from({ length: 40 }, (_, index) => `${'s'.repeat(60)}${index}`).join(' '),
  ],
])('RFC 6749 §3.3: %s is invalid_scope', (_, text) => {
  expect(parseScope(text)).toMatchObject({ error: 'invalid_scope', reason: 'scope_malformed' })
})

const token = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,20}$/)
const scope = fc.uniqueArray(token, { minLength: 1, maxLength: 20 })

test('parse ∘ print is identity', () => {
  fc.assert(
    fc.property(scope, (tokens) => {
      expect(parseScope(printScope(tokens))).toEqual(tokens)
    }),
  )
})

test.each([
  ['admin', true],
  ['admin:read', true],
  ['vault', true],
  ['vault:x', true],
  ['introspect', true],
  ['accounts:provision', true],
  ['administrate', false],
  ['vaulted', false],
  ['introspect2', false],
  ['me', false],
  ['openid', false],
])('reserved scopes: %s → %s', (name, reserved) => {
  expect(isReservedScope(name)).toBe(reserved)
  expect(isScopeToken(name)).toBe(true)
})

test.each([
  ['admin', false],
  ['admin:read', false],
  ['admin:anything', false],
  ['vault', false],
  ['vault:', false],
  ['vault:Two Words', false],
  // An API may have this one, and ask that an account holds it.
  ['vault:etsy', true],
  ['introspect', true],
  ['accounts:provision', true],
  ['leaks:report', true],
  ['administrate', true],
  ['vaulted', true],
  ['pay', true],
])('as a scope of an account %s says something: %s', (name, counts) => {
  expect(countsForAccounts(name)).toBe(counts)
})
