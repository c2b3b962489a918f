import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cookieNameOf, parseCookies, printRemoveCookie, printSetCookie } from '../../src/protocol/cookies.ts'

test('RFC 6265 §4.2.1: names and values', () => {
  expect([...parseCookies('a=1; __Host-sid=x.y=z;b=')]).toEqual([
    ['a', '1'],
    ['__Host-sid', 'x.y=z'],
    ['b', ''],
  ])
  expect(parseCookies(undefined).size).toBe(0)
  expect(parseCookies('').size).toBe(0)
  expect(parseCookies('novalue; a=1').get('a')).toBe('1')
})

test.each(['sid=a; sid=b', 'sid=a;sid=a', 'x=1; sid=a; y=2; sid=b; sid=c', ' sid =a; sid=b'])(
  'G17: a name that comes twice is treated as none: %s',
  (header) => {
    const cookies = parseCookies(header)
    expect(cookies.has('sid')).toBe(false)
    expect(cookies.get('x')).toBe(header.includes('x=1') ? '1' : undefined)
  },
)

test('G17: only the exact prefixed name counts', () => {
  const cookies = parseCookies('__host-sid=evil; __HOST-sid=evil; sid=evil; __Host-sid=ours')
  expect(cookies.get(cookieNameOf('sid', 'https'))).toBe('ours')
})

test('J01: __proto__ is a name like others', () => {
  expect(parseCookies('__proto__=x').get('__proto__')).toBe('x')
  expect(parseCookies('a=1').get('toString')).toBeUndefined()
})

test('a header beyond all reason holds nothing', () => {
  expect(parseCookies(`sid=a; x=${'y'.repeat(50_000)}`).size).toBe(0)
})

test('RFC 6265bis §4.1.3.2: __Host- and Secure on https; a plain name on http; HttpOnly, SameSite and the whole host always', () => {
  expect(printSetCookie({ name: 'sid', value: 'v', scheme: 'https' })).toBe(
    '__Host-sid=v; Path=/; HttpOnly; SameSite=Lax; Secure',
  )
  expect(printSetCookie({ name: 'sid', value: 'v', scheme: 'http', maxAge: 60 })).toBe(
    'sid=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax',
  )
  expect(printRemoveCookie('sid', 'https')).toBe('__Host-sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure')
})

test('a value that could end the cookie is a mistake of ours', () => {
  for (const value of ['a;b', 'a b', 'a,b', 'a"b', 'a\r\nb', 'é']) {
    expect(() => printSetCookie({ name: 'sid', value, scheme: 'https' })).toThrow(TypeError)
  }
  expect(() => printSetCookie({ name: 's;id', value: 'a', scheme: 'https' })).toThrow(TypeError)
})

test('parse ∘ print is identity', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)
  const value = fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,40}$/)
  fc.assert(
    fc.property(name, value, fc.constantFrom('https', 'http'), (cookie, text, scheme) => {
      const pair = printSetCookie({ name: cookie, value: text, scheme }).split('; ')[0]
      expect(parseCookies(pair).get(cookieNameOf(cookie, scheme))).toBe(text)
    }),
  )
})
