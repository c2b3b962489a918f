import { posix } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isApiPath, isApiQuery } from '../../src/protocol/api-path.ts'

const base = 'https://api.example/v3'

/** How the most careless server would read a path: decoded again and again, both slashes, parameters cut off, dots resolved. */
function mostCareless(path: string): string {
  let text = path
  for (let times = 0; times < 4; times += 1) {
    const decoded = Buffer.from(
      text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      'latin1',
    )
    text = decoded
      .toString('utf8')
      .normalize('NFKC')
      .replaceAll('\\', '/')
      .replaceAll(/;[^/]*/g, '')
      .replaceAll('\0', '')
  }
  return posix.normalize(text)
}

/** What a path that is let through must be, however it is read. */
function staysBelow(path: string): void {
  const url = new URL(`${base}${path}`)
  expect(`${url.origin}${url.pathname}${url.search}${url.hash}`).toBe(`${base}${path}`)
  const below = mostCareless(path)
  expect(
    below.startsWith('/') && !below.startsWith('//') && !below.split('/').includes('..'),
    `${path} → ${below}`,
  ).toBe(true)
  expect(below.split('/').length, `${path} → ${below}`).toBe(path.split('/').length)
}

describe('L3: a path at a provider has one reading', () => {
  test.each([
    '/v3/application/shops/77/listings',
    '/v3/application/shops/77/',
    '/',
    '/repos/a/b/contents/read%20me.txt',
    '/caf%C3%A9',
    '/@me',
    '/a:b',
    '/what%3F',
  ])('%s is one', (path) => expect(isApiPath(path)).toBe(true))

  test.each([
    ['an encoded dot', '/a/%2e%2e/b'],
    ['an encoded dot in upper case', '/a/%2E%2E/b'],
    ['half an encoded dot', '/a/.%2E/b'],
    ['dots', '/a/../b'],
    ['a dot', '/a/./b'],
    ['dots at the end', '/a/..'],
    ['an encoded slash', '/a%2Fb'],
    ['an encoded slash in lower case', '/a%2fb'],
    ['a backslash', '/a\\b'],
    ['an encoded backslash', '/a%5Cb'],
    ['a parameter', '/a;b'],
    ['an encoded parameter', '/a%3Bb'],
    ['two slashes', '//a'],
    ['two slashes within', '/a//b'],
    ['two slashes at the end', '/a//'],
    ['NUL', '/a%00'],
    ['a line end', '/a%0D%0A'],
    ['a broken escape', '/a%2'],
    ['an encoded percent', '/a%252e'],
    ['overlong UTF-8', '/a%C0%AE'],
    ['a stray byte', '/a%FF'],
    ['half a surrogate pair', '/a%ED%A0%80'],
    ['a needless escape', '/%61'],
    ['hex in lower case', '/caf%c3%a9'],
    ['a bare letter beyond ASCII', '/café'],
    ['a full-width slash', '/a%EF%BC%8Fb'],
    ['a full-width dot', '/a/%EF%BC%8E%EF%BC%8E/b'],
    ['a leader of two dots', '/a/%E2%80%A5/b'],
    ['a full-width backslash', '/a%EF%BC%BCb'],
    ['no slash', 'a'],
    ['nothing', ''],
    ['a host', '@evil.example/'],
    ['a query', '/a?b'],
    ['a fragment', '/a#b'],
    ['a space', '/a b'],
    ['a line separator', '/a%E2%80%A8'],
    ['more than anybody needs', `/${'a'.repeat(2048)}`],
  ])('%s is none', (_, path) => expect(isApiPath(path)).toBe(false))

  test('of 130,321 paths put together from what attackers use, none that is let through leaves the base', () => {
    const parts = String.raw`/ . .. %2e %2E %2F %2f \ %5C ; %3B %00 %25 %C0%AE %EF%BC%8E a @ %E2%80%A5 :`.split(' ')
    let passed = 0
    for (const a of parts)
      for (const b of parts)
        for (const c of parts)
          for (const d of parts) {
            const path = `/${a}${b}${c}${d}`
            if (!isApiPath(path)) continue
            passed += 1
            staysBelow(path)
          }
    expect(passed).toBeGreaterThan(100)
  })

  test('nor does any other text', () => {
    const piece = fc.oneof(
      fc.constantFrom('/', '.', '..', '%', '%2', '%25', '2e', '2F', '%EF', '%BC', '%8F', '\\', ';', 'shops', '77'),
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const path = `/${pieces.join('')}`
        if (isApiPath(path)) staysBelow(path)
      }),
      { numRuns: 2_000 },
    )
  })
})

test('a query may hold what RFC 3986 allows and bare brackets, and no fragment or white space', () => {
  for (const query of ['', 'limit=25&offset=0', 'a[]=1', 'q=caf%C3%A9', 'x=/?'])
    expect(isApiQuery(query), query).toBe(true)
  for (const query of ['a#b', 'a b', 'a\nb', '%2', '%zz', 'é', '"', '<', 'a'.repeat(9000)])
    expect(isApiQuery(query), query).toBe(false)
})
