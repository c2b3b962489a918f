import fc from 'fast-check'
import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { publicJwkOf } from '../../src/crypto/jwk.ts'
import { signJws } from '../../src/crypto/jws.ts'
import { sealOnce } from '../../src/crypto/seal.ts'
import { parseJwtClaims, printJwtClaims, type AccessClaims } from '../../src/tokens/access-claims.ts'
import { signAccessJwt } from '../../src/tokens/jwt.ts'
import { openAccessToken, sealAccessToken } from '../../src/tokens/sealed.ts'
import { parseToken, printToken } from '../../src/tokens/token-text.ts'
import { verifyAccess } from '../../src/tokens/verify.ts'
import { claims, fixedKeys, issuer, now } from './fixtures.ts'

const keys = fixedKeys()
const expected = { issuer, now }
const { authTime: _, acr: __, extra: ___, ...bare } = claims

const formats = {
  jwt: (value: AccessClaims) => signAccessJwt(keys.signing('ES256'), value),
  opaque: (value: AccessClaims) => sealAccessToken(keys, value, keys.random),
}

describe.each(Object.entries(formats))('an access token as %s', (_, print) => {
  test('says what was put in, with and without what is optional', () => {
    const variants: AccessClaims[] = [
      claims,
      bare,
      { ...bare, scope: [] },
      { ...bare, aud: ['https://a.example', 'https://b.example'] },
      { ...bare, authTime: now },
      { ...bare, acr: 'x' },
      { ...bare, extra: { username: 'ö' } },
    ]
    for (const value of variants) expect(verifyAccess(keys, print(value), expected)).toEqual(value)
  })

  test('parse ∘ print is identity for any texts', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    const word = fc.string({ unit: fc.constantFrom(...Array.from('abc:/.')), minLength: 1, maxLength: 8 })
    const value = fc.record({
      sub: text,
      aud: fc.array(text, { minLength: 1, maxLength: 3 }),
      clientId: text,
      scope: fc.array(word, { maxLength: 4 }),
      jti: text,
      gid: text,
      epoch: text,
    })
    fc.assert(
      fc.property(value, (parts) => {
        const whole: AccessClaims = { ...bare, ...parts }
        expect(verifyAccess(keys, print(whole), expected)).toEqual(whole)
      }),
      { numRuns: 50 },
    )
  })

  test('expires at exp, not one second later', () => {
    const text = print(claims)
    expect(verifyAccess(keys, text, { issuer, now: claims.exp - 1 })).toEqual(claims)
    expect(verifyAccess(keys, text, { issuer, now: claims.exp })).toEqual({ refused: 'token_expired' })
  })

  test('E11: iat more than a minute ahead is refused', () => {
    expect(verifyAccess(keys, print({ ...claims, iat: now + 60 }), expected)).not.toHaveProperty('refused')
    expect(verifyAccess(keys, print({ ...claims, iat: now + 61 }), expected)).toEqual({ refused: 'token_malformed' })
  })

  test('of another issuer is refused', () => {
    for (const iss of ['https://other.example', `${issuer}/`, issuer.toUpperCase()]) {
      expect(verifyAccess(keys, print({ ...claims, iss }), expected)).toEqual({ refused: 'token_malformed' })
    }
  })

  test('under a key that is not ours is refused', () => {
    expect(verifyAccess(fixedKeys('other'), print(claims), expected)).toEqual({ refused: 'token_signature' })
  })

  test('any one changed, added or missing character is refused', () => {
    const text = print(claims)
    for (let at = 0; at < text.length; at++) {
      for (const letter of ['A', 'b', '-', '.', '=']) {
        if (text[at] !== letter) {
          expect(verifyAccess(keys, text.slice(0, at) + letter + text.slice(at + 1), expected)).toHaveProperty(
            'refused',
          )
        }
      }
      expect(verifyAccess(keys, text.slice(0, at) + text.slice(at + 1), expected)).toHaveProperty('refused')
    }
    for (const more of ['A', '=', '\n', ' ', '.'])
      expect(verifyAccess(keys, text + more, expected)).toHaveProperty('refused')
  })
})

describe('an opaque access token', () => {
  test('tells its bearer nothing', () => {
    const text = formats.opaque(claims)
    const bytes = Buffer.from(text.split('.').at(-1)!, 'base64url').toString('latin1')
    for (const part of ['usr_1', 'app', 'api.example', 'ada']) expect(bytes).not.toContain(part)
    expect(text.length).toBeLessThan(500)
  })

  test('any one changed character is refused, though the checksum was made right again', () => {
    const body = parseToken('at', formats.opaque(claims))!
    for (let at = 0; at < body.length; at++) {
      const letter = body[at] === 'A' ? 'B' : 'A'
      expect(openAccessToken(keys, printToken('at', body.slice(0, at) + letter + body.slice(at + 1)))).toHaveProperty(
        'refused',
      )
    }
  })

  test.each([
    ['another version', [2, issuer, 'usr_1', ['a'], 'app', '', now, 900, 'j', 'g', 'e']],
    ['a missing part', [1, issuer, 'usr_1', ['a'], 'app', '', now, 900, 'j', 'g']],
    ['a part too many', [1, issuer, 'usr_1', ['a'], 'app', '', now, 900, 'j', 'g', 'e', null, null, { a: 1 }, 'x']],
    ['a life as text', [1, issuer, 'usr_1', ['a'], 'app', '', now, '900', 'j', 'g', 'e']],
    ['a life of a fraction', [1, issuer, 'usr_1', ['a'], 'app', '', now, 0.5, 'j', 'g', 'e']],
    ['no life', [1, issuer, 'usr_1', ['a'], 'app', '', now, 0, 'j', 'g', 'e']],
    ['an audience that is no list', [1, issuer, 'usr_1', 'a', 'app', '', now, 900, 'j', 'g', 'e']],
    ['an object', { 0: 1 }],
    ['a text', 'x'],
  ])('fails closed on %s, though rightly sealed', (_, parts) => {
    const { keyId, key } = keys.secret('token-seal')
    const value = { kind: 'at', associated: `at.${keyId}`, plaintext: JSON.stringify(parts) }
    const text = printToken('at', `${keyId}.${sealOnce(key, value, keys.random).toString('base64url')}`)
    expect(openAccessToken(keys, text)).toEqual({ refused: 'token_malformed' })
  })
})

describe('a JWT access token', () => {
  test('RFC 9068 §2: header and claims by their names, read by an independent implementation', async () => {
    const text = formats.jwt(claims)
    const key = await jose.importJWK(publicJwkOf(keys.signing('ES256')), 'ES256')
    const options = { issuer, audience: 'https://api.example', typ: 'at+jwt', currentDate: new Date(now * 1000) }
    const { payload, protectedHeader } = await jose.jwtVerify(text, key, options)
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'k-ES256' })
    expect(payload).toEqual({
      iss: issuer,
      sub: 'usr_1',
      aud: 'https://api.example',
      client_id: 'app',
      scope: 'openid read',
      iat: now,
      exp: now + 900,
      jti: 'jti-1',
      gid: 'grant-1',
      epoch: '1.1700000000000.3',
      auth_time: now - 10,
      acr: 'urn:acr',
      username: 'ada',
      roles: ['editor'],
    })
  })

  const wire = JSON.parse(printJwtClaims(bare)) as Record<string, unknown>

  describe('E11 claim-types: a claim of another type is refused, though rightly signed', () => {
    test.each<[string, unknown]>([
      ['exp', String(now + 900)],
      ['exp', now + 0.5],
      ['exp', 1e308],
      ['exp', -1],
      ['exp', null],
      ['exp', undefined],
      ['exp', true],
      ['exp', [now + 900]],
      ['exp', now],
      ['iat', String(now)],
      ['iat', 0.1],
      ['iat', undefined],
      ['aud', { 0: 'a' }],
      ['aud', []],
      ['aud', ['a', 1]],
      ['aud', ''],
      ['aud', ['']],
      ['aud', undefined],
      ['iss', [issuer]],
      ['iss', undefined],
      ['sub', 1],
      ['sub', ''],
      ['sub', undefined],
      ['client_id', undefined],
      ['client_id', {}],
      ['scope', ['read']],
      ['scope', 'read  write'],
      ['scope', ' read'],
      ['scope', ''],
      ['scope', 1],
      ['jti', undefined],
      ['jti', 1],
      ['gid', undefined],
      ['epoch', undefined],
      ['epoch', 1],
      ['auth_time', '1'],
      ['auth_time', 1.5],
      ['acr', 1],
      ['acr', ''],
    ])('%s: %j', (name, value) => {
      const text = signJws(keys.signing('ES256'), 'at+jwt', JSON.stringify({ ...wire, [name]: value }))
      expect(verifyAccess(keys, text, expected)).toHaveProperty('refused')
    })

    test('and the unchanged claims pass', () => {
      expect(parseJwtClaims(wire)).toEqual(bare)
    })
  })

  test.each(['nbf', 'cnf', 'act', 'may_act', 'authorization_details'])(
    'a restriction that is not understood (%s) fails closed',
    (name) => {
      const text = signJws(keys.signing('ES256'), 'at+jwt', JSON.stringify({ ...wire, [name]: { jkt: 'x' } }))
      expect(verifyAccess(keys, text, expected)).toEqual({ refused: 'token_malformed' })
    },
  )

  test('E03: a kid that is not ours finds nothing, whatever it spells', () => {
    for (const keyId of ['../../x', "' OR 1=1", '__proto__', 'constructor', 'toString', 'other-ES256']) {
      const text = signAccessJwt({ ...keys.signing('ES256'), keyId, headers: new Map() }, claims)
      expect(verifyAccess(keys, text, expected)).toEqual({ refused: 'token_signature' })
    }
  })

  test('without kid it is refused: no key is tried', () => {
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt' })).toString('base64url')
    const headers = new Map([['at+jwt', header]])
    expect(verifyAccess(keys, signAccessJwt({ ...keys.signing('ES256'), headers }, claims), expected)).toEqual({
      refused: 'token_signature',
    })
  })

  test('the kid of another algorithm is refused', () => {
    const text = signAccessJwt({ ...keys.signing('ES256'), keyId: 'k-RS256', headers: new Map() }, claims)
    expect(verifyAccess(keys, text, expected)).toEqual({ refused: 'token_signature' })
  })

  test('longer than 4 KB it is refused before anything is computed', () => {
    const long = signAccessJwt(keys.signing('ES256'), { ...bare, extra: { a: 'x'.repeat(4000) } })
    expect(verifyAccess(keys, long, expected)).toEqual({ refused: 'token_malformed' })
    expect(verifyAccess(keys, 'x'.repeat(10_000_000), expected)).toEqual({ refused: 'token_malformed' })
  })
})
