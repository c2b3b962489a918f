import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/protocol/errors.ts'
import {
  redirectUriLimits,
  redirectUriProblem,
  verifyRedirectUri,
  type RedirectTarget,
} from '../../src/protocol/redirect-uri.ts'
import { printResponseUrl } from '../../src/protocol/response-url.ts'

function targetOf(registered: readonly string[], requested?: string): RedirectTarget {
  const target = verifyRedirectUri(registered, requested)
  if (isRefusal(target)) throw new Error(`refused: ${target.reason}`)
  return target
}

describe('registration', () => {
  test.each([
    'https://app.example/cb',
    'https://app.example',
    'https://app.example/',
    'https://app.example:8443/cb',
    'https://xn--mnchen-3ya.example/cb',
    'https://intranet/cb',
    'https://10.0.0.5/cb',
    'https://app.example/cb?tenant=1&next=%2Fhome',
    'https://app.example/cb?a=?',
    'https://app.example/M%C3%BCnchen',
    'https://app.example/@user/cb;v=1',
    'https://app.example/a.b/..c/.d',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:3000/cb',
    'http://[::1]/cb',
    'http://[::1]:3000/cb',
    'http://localhost:5173/cb',
    'com.example.app:/cb',
    'com.example.my-app:/cb?x=1',
  ])('%s is fine', (uri) => expect(redirectUriProblem(uri)).toBeUndefined())

  test.each([
    ['A01 wildcard host', 'https://*.app.example/cb', 'wildcard'],
    ['A01 wildcard path', 'https://app.example/*', 'wildcard'],
    ['A05 userinfo', 'https://app.example@evil/cb', 'user name'],
    ['A05 userinfo with port', 'http://127.0.0.1:80@evil.example/cb', 'user name'],
    ['A05 userinfo with password', 'https://a:b@app.example/cb', 'user name'],
    ['A06 backslash before @', 'https://evil.example\\@app.example/cb', 'backslash'],
    ['A06 backslashes for slashes', 'https:\\\\app.example\\cb', 'backslash'],
    ['A06 encoded backslash', 'https://app.example/%5ccb', 'percent-encoded'],
    ['A07 fragment', 'https://app.example/cb#x', 'fragment'],
    ['A07 empty fragment', 'https://app.example/cb#', 'fragment'],
    ['A07 fragment for a private scheme', 'com.example.app:/cb#', 'fragment'],
    ['A04 double encoding', 'https://app.example/cb/%252e%252e', 'percent-encoded'],
    ['A11 scheme in capitals', 'HTTPS://app.example/cb', 'lower case'],
    ['A11 host in capitals', 'https://APP.example/cb', 'lower case'],
    ['A14 javascript', 'javascript:alert(1)//', 'scheme that is not allowed'],
    ['A14 javascript with slashes', 'javascript://app.example/%0aalert(1)', 'scheme that is not allowed'],
    ['A14 data', 'data:text/html,x', 'scheme that is not allowed'],
    ['A14 vbscript', 'vbscript:x', 'scheme that is not allowed'],
    ['A14 file', 'file:///etc/passwd', 'scheme that is not allowed'],
    ['A14 blob', 'blob:https://app.example/x', 'scheme that is not allowed'],
    ['A14 capitals', 'JaVaScRiPt:alert(1)', 'lower case'],
    ['A14 a space before', ' https://app.example/cb', 'no absolute URI'],
    ['A16 code in the query', 'https://app.example/cb?code=ATTACKER', 'authorization responses'],
    ['A16 encoded code', 'https://app.example/cb?c%6fde=ATTACKER', 'authorization responses'],
    ['A16 code as an array', 'https://app.example/cb?code%5B%5D=ATTACKER', 'authorization responses'],
    ['A16 code in capitals', 'https://app.example/cb?Code=ATTACKER', 'authorization responses'],
    ['A16 code behind ;', 'https://app.example/cb?a=1;code=ATTACKER', 'authorization responses'],
    ['A16 code behind a second ?', 'https://app.example/cb?a=1?&code=ATTACKER', 'authorization responses'],
    ['A16 code behind a space', 'https://app.example/cb?%20code=ATTACKER', 'authorization responses'],
    ['A16 state', 'https://app.example/cb?state=1', 'authorization responses'],
    ['A16 iss', 'https://app.example/cb?x=1&iss=1', 'authorization responses'],
    ['A16 error in a private scheme', 'com.example.app:/cb?error=1', 'authorization responses'],
    ['A17 dot segments', 'https://app.example/cb/../open-redirect', 'segment'],
    ['A17 a dot segment at the end', 'https://app.example/cb/..', 'segment'],
    ['A17 single dots', 'https://app.example/./cb', 'segment'],
    ['A17 encoded dots', 'https://app.example/cb/FAKE/%2e%2e/x', 'percent-encoded'],
    ['A17 encoded dots in capitals', 'https://app.example/cb/%2E%2E/x', 'percent-encoded'],
    ['A17 encoded slash', 'https://app.example/cb%2fx', 'percent-encoded'],
    ['A18 Cyrillic host', 'https://аpp.example/cb', 'A-labels'],
    ['A18 full-width host', 'https://ａpp.example/cb', 'A-labels'],
    ['A18 encoded dot in the host', 'https://app%E3%80%82example/cb', 'malformed host'],
    ['A18 ideographic dot', 'https://app。example/cb', 'A-labels'],
    ['A19 decimal IP', 'http://2130706433/cb', 'malformed IP'],
    ['A19 hexadecimal IP', 'http://0x7f.1/cb', 'malformed IP'],
    ['A19 short IP', 'https://127.1/cb', 'malformed IP'],
    ['A19 octal IP', 'https://0177.0.0.1/cb', 'malformed IP'],
    ['A19 IP with a label before', 'https://a.127.0.0.1/cb', 'malformed IP'],
    ['A19 too large an octet', 'https://10.0.0.256/cb', 'malformed IP'],
    ['A19 mapped IP', 'http://[::ffff:127.0.0.1]/cb', 'IPv6'],
    ['A19 long loopback', 'http://[0:0:0:0:0:0:0:1]/cb', 'IPv6'],
    ['A19 other IPv6', 'https://[2001:db8::1]/cb', 'IPv6'],
    ['A19 unclosed IPv6', 'http://[::1/cb', 'IPv6'],
    ['A20 encoded CRLF', 'https://app.example/cb%0d%0aSet-Cookie:x=1', 'percent-encoded'],
    ['A20 encoded NUL in the query', 'https://app.example/cb?x=%00', 'percent-encoded'],
    ['A20 raw CRLF', 'https://app.example/cb\r\nx', 'character in its path'],
    ['A20 raw NUL', 'https://app.example/cb\0', 'character in its path'],
    ['A20 tab in the scheme', 'java\tscript:x', 'no absolute URI'],
    ['A20 trailing space', 'https://app.example/cb ', 'character in its path'],
    ['A27 private scheme with //', 'com.example.app://cb', 'single slash'],
    ['A27 private scheme without dot', 'myapp:/cb', 'not allowed'],
    ['A27 private scheme without slash', 'com.example.app:cb', 'slash'],
    ['A27 private scheme alone', 'com.example.app:', 'slash'],
    ['A27 private scheme in capitals', 'Com.Example.app:/cb', 'lower case'],
    ['A27 two dots in the scheme', 'com..app:/cb', 'not allowed'],
    ['http elsewhere', 'http://app.example/cb', 'https'],
    ['http on another loopback address', 'http://127.0.0.2/cb', 'https'],
    ['http on a name that begins like one', 'http://localhost.evil/cb', 'https'],
    ['no host', 'https:///cb', 'host'],
    ['one slash', 'https:/app.example/cb', 'no http(s) URI'],
    ['no slash', 'https:app.example', 'no http(s) URI'],
    ['an underscore', 'https://app_1.example/cb', 'malformed host'],
    ['a dot behind', 'https://app.example./cb', 'malformed host'],
    ['two dots', 'https://app..example/cb', 'malformed host'],
    ['a hyphen before', 'https://-app.example/cb', 'malformed host'],
    ['too long a label', `https://${'a'.repeat(64)}.example/cb`, 'malformed host'],
    ['too long a host', `https://${'a.'.repeat(130)}example/cb`, 'too long'],
    ['port 0', 'https://app.example:0/cb', 'port'],
    ['an empty port', 'https://app.example:/cb', 'port'],
    ['a port with zeros', 'https://app.example:0443/cb', 'port'],
    ['too high a port', 'https://app.example:65536/cb', 'port'],
    ['a port with letters', 'https://app.example:80a/cb', 'port'],
    ['an empty query', 'https://app.example/cb?', 'empty query'],
    ['a broken escape', 'https://app.example/%zz', 'character in its path'],
    ['invalid UTF-8 in a query name', 'https://app.example/cb?%ff=1', 'broken percent escape'],
    ['beyond ASCII in the path', 'https://app.example/cbé', 'character in its path'],
    ['brackets in the query', 'https://app.example/cb?a[]=1', 'character in its query'],
    ['relative', '/cb', 'no absolute URI'],
    ['nothing', '', 'empty'],
    ['too long', `https://app.example/${'a'.repeat(redirectUriLimits.characters)}`, 'longer'],
  ])('%s', (_, uri, problem) => {
    expect(redirectUriProblem(uri)).toContain(problem)
    // Registered by whatever road all the same, it opens nothing.
    expect(verifyRedirectUri([uri], uri)).toMatchObject({ reason: 'redirect_uri_mismatch' })
  })
})

describe('a request', () => {
  test('RFC 9700 §2.1: the registered URI, octet by octet', () => {
    const registered = ['https://app.example/cb', 'https://app.example/other']
    expect(targetOf(registered, 'https://app.example/cb')).toBe('https://app.example/cb')
    expect(verifyRedirectUri(registered, 'https://app.example/cb/')).toMatchObject({
      error: 'invalid_request',
      reason: 'redirect_uri_mismatch',
    })
  })

  test.each([
    ['http://127.0.0.1/cb', 'http://127.0.0.1:51004/cb'],
    ['http://127.0.0.1:3000/cb', 'http://127.0.0.1:51004/cb'],
    ['http://127.0.0.1:3000/cb', 'http://127.0.0.1/cb'],
    ['http://[::1]/cb', 'http://[::1]:1/cb'],
    ['http://127.0.0.1/cb?x=1', 'http://127.0.0.1:65535/cb?x=1'],
    ['http://127.0.0.1', 'http://127.0.0.1:8'],
  ])('A10, RFC 8252 §7.3: registered %s, asked %s: the port may differ', (registered, requested) => {
    expect(targetOf([registered], requested)).toBe(requested)
  })

  test.each([
    ['A08 extra query', 'http://127.0.0.1/cb', 'http://127.0.0.1:1/cb?x=1'],
    ['A09 loopback for a web client', 'https://app.example/cb', 'http://127.0.0.1/cb'],
    ['A10 localhost', 'http://127.0.0.1/cb', 'http://localhost:1/cb'],
    ['A10 another address', 'http://127.0.0.1/cb', 'http://127.0.0.2/cb'],
    ['A10 a name that begins like it', 'http://127.0.0.1/cb', 'http://127.0.0.1.evil/cb'],
    ['A10 https', 'http://127.0.0.1/cb', 'https://127.0.0.1/cb'],
    ['A10 the other loopback address', 'http://127.0.0.1/cb', 'http://[::1]/cb'],
    ['A10 localhost keeps its port', 'http://localhost:3000/cb', 'http://localhost:3001/cb'],
    ['A10 https keeps its port', 'https://127.0.0.1/cb', 'https://127.0.0.1:8443/cb'],
    ['A10 an empty port', 'http://127.0.0.1/cb', 'http://127.0.0.1:/cb'],
    ['A10 port 0', 'http://127.0.0.1/cb', 'http://127.0.0.1:0/cb'],
    ['A10 a port with zeros', 'http://127.0.0.1/cb', 'http://127.0.0.1:080/cb'],
    ['A10 too high a port', 'http://127.0.0.1/cb', 'http://127.0.0.1:65536/cb'],
    ['A05 userinfo behind the port', 'http://127.0.0.1/cb', 'http://127.0.0.1:80@evil.example/cb'],
    ['A07 fragment', 'http://127.0.0.1/cb', 'http://127.0.0.1:1/cb#'],
    ['A11 path case', 'https://app.example/cb', 'https://app.example/CB'],
    ['A12 a dot is a dot', 'https://app.example/cb', 'https://appXexample/cb'],
    ['a longer one', 'https://app.example/cb', `https://app.example/cb${'/'.repeat(100_000)}`],
  ])('%s: registered %s, asked %.60s', (_, registered, requested) => {
    expect(verifyRedirectUri([registered], requested)).toMatchObject({ reason: 'redirect_uri_mismatch' })
  })

  test('A21, RFC 6749 §3.1.2.3: left out where exactly one is registered', () => {
    expect(targetOf(['https://app.example/cb'])).toBe('https://app.example/cb')
    expect(verifyRedirectUri(['https://app.example/a', 'https://app.example/b'], undefined)).toMatchObject({
      reason: 'redirect_uri_missing',
    })
    expect(verifyRedirectUri([], undefined)).toMatchObject({ reason: 'redirect_uri_missing' })
    expect(verifyRedirectUri([], 'https://app.example/cb')).toMatchObject({ reason: 'redirect_uri_mismatch' })
  })
})

describe('the response URL', () => {
  test.each([
    ['https://app.example/cb', 'query', 'https://app.example/cb?code=c%2B%26&state=s%20t'],
    ['https://app.example', 'query', 'https://app.example?code=c%2B%26&state=s%20t'],
    ['https://app.example/cb?a=1', 'query', 'https://app.example/cb?a=1&code=c%2B%26&state=s%20t'],
    ['https://app.example/cb?a=1', 'fragment', 'https://app.example/cb?a=1#code=c%2B%26&state=s%20t'],
    ['com.example.app:/cb', 'query', 'com.example.app:/cb?code=c%2B%26&state=s%20t'],
  ] as const)('%s, %s', (uri, mode, url) => {
    const pairs = [
      ['code', 'c+&'],
      ['state', 's t'],
    ] as const
    expect(printResponseUrl(targetOf([uri]), mode, pairs)).toBe(url)
  })

  test('nothing to say changes nothing', () => {
    expect(printResponseUrl(targetOf(['https://app.example/cb']), 'query', [])).toBe('https://app.example/cb')
  })

  test('A16: whatever is registered, a response holds each of its parameters once, and state as it came (B18)', () => {
    const name = fc.oneof(
      fc.stringMatching(/^[a-z]{1,6}$/),
      fc.constantFrom('code', 'c%6fde', 'state', 'iss', '%73tate', 'x[]', 'code;x', 'CODE'),
    )
    const query = fc.array(fc.tuple(name, fc.stringMatching(/^[a-z0-9%]{0,4}$/)), { maxLength: 4 })
    let responses = 0
    fc.assert(
      fc.property(query, fc.string({ unit: 'grapheme', maxLength: 30 }), (pairs, state) => {
        const uri = `https://app.example/cb${pairs.length === 0 ? '' : '?'}${pairs.map(([key, value]) => `${key}=${value}`).join('&')}`
        const target = verifyRedirectUri([uri], uri)
        if (isRefusal(target) || !state.isWellFormed()) return
        responses++
        const url = new URL(
          printResponseUrl(target, 'query', [
            ['code', 'ours'],
            ['state', state],
            ['iss', 'https://as.example'],
          ]),
        )
        expect(url.searchParams.getAll('code')).toEqual(['ours'])
        expect(url.searchParams.getAll('state')).toEqual([state])
        expect(url.searchParams.getAll('iss')).toEqual(['https://as.example'])
        expect(url.hash).toBe('')
      }),
      { numRuns: 2_000 },
    )
    expect(responses).toBeGreaterThan(200)
  })
})
