import fc from 'fast-check'
import { expect, test } from 'vitest'
import { claimsLimits, parseClaims, personalClaims } from '../../src/protocol/claims.ts'
import { isRefusal } from '../../src/protocol/errors.ts'

test('OIDC Core §5.5: claims of both members, voluntary and essential, with conditions', () => {
  const text = JSON.stringify({
    userinfo: { email: { essential: true }, name: null, 'http://example.info/claims/groups': null },
    id_token: {
      auth_time: { essential: true },
      acr: { values: ['urn:1', 'urn:2'] },
      sub: { value: 'usr_1' },
      email_verified: { value: true },
    },
    other: { x: 1 },
  })
  expect(parseClaims(text)).toEqual({
    userinfo: { email: { essential: true }, name: { essential: false } },
    idToken: {
      auth_time: { essential: true },
      acr: { essential: false, values: ['urn:1', 'urn:2'] },
      sub: { essential: false, value: 'usr_1' },
      email_verified: { essential: false },
    },
  })
})

test.each([
  'iss',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'at_hash',
  'azp',
  'client_id',
  'scope',
  'gid',
  'epoch',
  'sid',
  '__proto__',
  'constructor',
  'toString',
])('B31: the protocol claim %s cannot be asked for', (name) => {
  const text = `{"id_token":{"${name}":{"value":"evil","essential":true}},"userinfo":{"${name}":{"value":"evil"}}}`
  expect(parseClaims(text)).toEqual({ idToken: {}, userinfo: {} })
})

test('userinfo takes no claims about the sign-in', () => {
  expect(parseClaims('{"userinfo":{"acr":null,"auth_time":null,"sub":{"value":"x"}}}')).toEqual({
    idToken: {},
    userinfo: {},
  })
})

test('__proto__ in JSON pollutes nothing', () => {
  expect(parseClaims('{"__proto__":{"id_token":{"sub":{"value":"x"}}}}')).toEqual({ idToken: {}, userinfo: {} })
  expect(Reflect.get({}, 'id_token')).toBeUndefined()
})

test.each([
  ['no JSON', '{'],
  ['nothing', ''],
  ['an array', '[]'],
  ['a text', '"x"'],
  ['null', 'null'],
  ['a number', '1'],
  ['a member that is an array', '{"id_token":[]}'],
  ['a member that is a text', '{"userinfo":"email"}'],
  ['a claim that is a text', '{"id_token":{"email":"x"}}'],
  ['a claim that is an array', '{"id_token":{"email":[null]}}'],
  ['essential that is a text', '{"id_token":{"email":{"essential":"true"}}}'],
  ['a subject that is a number', '{"id_token":{"sub":{"value":1}}}'],
  ['a subject with a control', '{"id_token":{"sub":{"value":"a\\u0000"}}}'],
  ['a subject with half a character', '{"id_token":{"sub":{"value":"\\ud800"}}}'],
  ['an empty subject', '{"id_token":{"sub":{"value":""}}}'],
  ['acr values that are no list', '{"id_token":{"acr":{"values":"x"}}}'],
  ['acr values of numbers', '{"id_token":{"acr":{"values":[1]}}}'],
  ['no acr value', '{"id_token":{"acr":{"values":[]}}}'],
  ['too many acr values', JSON.stringify({ id_token: { acr: { values: Array.from({ length: 17 }, () => 'x') } } })],
  ['too long', `{"x":"${'a'.repeat(claimsLimits.characters)}"}`],
  ['too deep', `{"x":${'['.repeat(2_000)}${']'.repeat(2_000)}}`],
  ['a little too deep', `{"x":${'['.repeat(6)}${']'.repeat(6)}}`],
])('B31: %s is invalid_request', (_, text) => {
  expect(parseClaims(text)).toMatchObject({ error: 'invalid_request', reason: 'claims_malformed' })
})

const request = fc.oneof(fc.constant({ essential: true }), fc.constant({ essential: false }))
const personal = fc.dictionary(fc.constantFrom(...personalClaims), request)

test('whatever is asked for in a way that can be read is read as it stands', () => {
  fc.assert(
    fc.property(
      personal,
      personal,
      fc.option(fc.stringMatching(/^[a-z0-9:]{1,20}$/), { nil: undefined }),
      (idToken, userinfo, subject) => {
        const claims = {
          idToken: { ...idToken, ...(subject === undefined ? {} : { sub: { essential: false, value: subject } }) },
          userinfo: { ...userinfo },
        }
        const text = JSON.stringify({ id_token: claims.idToken, userinfo: claims.userinfo })
        expect(parseClaims(text)).toEqual(claims)
      },
    ),
  )
})

test('any JSON is read into known names or refused', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('id_token', 'userinfo'), (json, member) => {
      const claims = parseClaims(`{"${member}":${json}}`)
      if (isRefusal(claims)) return
      for (const name of Object.keys(claims.idToken))
        expect([...personalClaims, 'sub', 'acr', 'auth_time']).toContain(name)
      for (const name of Object.keys(claims.userinfo)) expect(personalClaims).toContain(name)
    }),
  )
})
