import { expect, test } from 'vitest'
import { parseBearerAuthorization } from '../../src/protocol/bearer.ts'

test.each(['mF_9.B5f-4.1JqM', 'a', 'gth_at_abc-def_0123abcd', 'eyJ.eyJ.sig', 'a+/~==', 'x'.repeat(5_000)])(
  'RFC 6750 §2.1: Bearer %.20s',
  (token) => {
    expect(parseBearerAuthorization(`Bearer ${token}`)).toBe(token)
    // RFC 9110 §11.1: the scheme's case doesn't matter.
    expect(parseBearerAuthorization(`bearer ${token}`)).toBe(token)
  },
)

test.each([
  ['nothing', ''],
  ['the scheme alone', 'Bearer'],
  ['the scheme and a space', 'Bearer '],
  ['a tab', 'Bearer\tx'],
  ['two spaces', 'Bearer  x'],
  ['a space before', ' Bearer x'],
  ['a space behind', 'Bearer x '],
  ['two tokens', 'Bearer x, Bearer y'],
  ['two words', 'Bearer x y'],
  ['a quoted token', 'Bearer "x"'],
  ['a parameter', 'Bearer token=x'],
  ['padding in between', 'Bearer a=b'],
  ['a control', 'Bearer x\0'],
  ['a newline', 'Bearer x\n'],
  ['beyond ASCII', 'Bearer é'],
  ['a look-alike scheme', 'Beаrer x'],
  ['a Kelvin sign', 'BEARER\u212a x'],
  ['another scheme', 'Basic eDp5'],
  ['DPoP', 'DPoP x'],
  ['no space', 'Bearerx'],
  ['far too much', `Bearer ${'a'.repeat(50_000)}`],
])('C22: %s is invalid_token', (_, header) => {
  expect(parseBearerAuthorization(header)).toEqual({ error: 'invalid_token', reason: 'credentials_malformed' })
})
