import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseBasicAuthorization } from '../../src/protocol/basic-auth.ts'
import { printParameters } from '../../src/protocol/parameters.ts'

function basic(text: string): string {
  return `Basic ${Buffer.from(text, 'latin1').toString('base64')}`
}

function formEncode(text: string): string {
  return printParameters([['x', text]]).slice(2)
}

test('RFC 6749 §2.3.1: id and secret, each form-encoded', () => {
  expect(parseBasicAuthorization(basic('s6BhdRkqt3:gX1fBat3bV'))).toEqual({
    clientId: 's6BhdRkqt3',
    clientSecret: 'gX1fBat3bV',
  })
  expect(parseBasicAuthorization(basic('a%3Ab:c+d%2B%25'))).toEqual({ clientId: 'a:b', clientSecret: 'c d+%' })
  expect(parseBasicAuthorization(basic('id:a:b'))).toEqual({ clientId: 'id', clientSecret: 'a:b' })
})

test('parse ∘ print is identity', () => {
  const credential = fc.stringMatching(/^[\x20-\x7e]{1,40}$/)
  fc.assert(
    fc.property(credential, credential, (clientId, clientSecret) => {
      expect(parseBasicAuthorization(basic(`${formEncode(clientId)}:${formEncode(clientSecret)}`))).toEqual({
        clientId,
        clientSecret,
      })
    }),
  )
})

const good = basic('id:secret').slice('Basic '.length)

test.each([
  ['nothing', ''],
  ['the scheme alone', 'Basic'],
  ['the scheme and a space', 'Basic '],
  ['the scheme in lower case', `basic ${good}`],
  ['two spaces', `Basic  ${good}`],
  ['a tab', `Basic\t${good}`],
  ['another scheme', `Bearer ${good}`],
  ['a space behind', `Basic ${good} `],
  ['two credentials', `Basic ${good}, Basic ${good}`],
  ['bad base64', 'Basic ****'],
  ['base64url', `Basic ${Buffer.from('id:~~~???>>>').toString('base64url')}`],
  ['base64 without padding', basic('id:secre').replaceAll('=', '')],
  ['base64 with stray bits', 'Basic aWQ6c2VjcmV='],
  ['base64 of a length that none has', 'Basic aaaaa'],
  ['too much padding', `Basic ${good}====`],
  ['padding in between', 'Basic aW=='.concat(good)],
  ['no colon', basic('idsecret')],
  ['an empty id', basic(':secret')],
  ['an empty secret', basic('id:')],
  ['a broken escape', basic('id:%zz')],
  ['half an escape in the id', basic('i%:secret')],
  ['overlong UTF-8', basic('id:%C0%AF')],
  ['non-ASCII octets', basic('id:sécret')],
  ['non-ASCII behind escapes', basic('id:s%C3%A9cret')],
  ['a NUL', basic('id:sec\0ret')],
  ['an escaped NUL', basic('id:sec%00ret')],
  ['an escaped newline', basic('id:sec%0Aret')],
  ['far too much', basic(`id:${'a'.repeat(4_000)}`)],
])('D06: %s is invalid_client', (_, header) => {
  expect(parseBasicAuthorization(header)).toEqual({ error: 'invalid_client', reason: 'credentials_malformed' })
})

test('what stray base64 would have decoded to shows that the case above is about its bits alone', () => {
  expect(atob('aWQ6c2VjcmV=')).toBe('id:secre')
})
