import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { leftHalfHash } from '../../src/crypto/hash.ts'
import { publicJwkOf } from '../../src/crypto/jwk.ts'
import { mint, TokenTooLarge } from '../../src/tokens/mint.ts'
import { verifyAccess } from '../../src/tokens/verify.ts'
import { verifyIdTokenHint } from '../../src/tokens/id-token.ts'
import { fixedKeys, issuance, issuer, now } from './fixtures.ts'

const keys = fixedKeys()
const expected = { issuer, now }
const withIdToken = { ...issuance, nonce: 'n-0S6', idToken: { ttl: 600, claims: { name: 'Ada' } } }

function payloadOf(jwt: string): Record<string, unknown> {
  return jose.decodeJwt(jwt)
}

describe('minting', () => {
  test.each(['jwt', 'opaque'] as const)('%s: claims and lifetime are those of the issuance', (format) => {
    const minted = mint(keys, { ...issuance, format, accessClaims: { username: 'ada' } })
    expect(minted.expiresIn).toBe(900)
    expect(minted.claims).toEqual({
      iss: issuer,
      sub: 'usr_1',
      aud: ['https://api.example'],
      clientId: 'app',
      scope: ['openid', 'read'],
      iat: now,
      exp: now + 900,
      jti: 'jti-1',
      gid: 'grant-1',
      epoch: '1.2.3',
      authTime: now - 10,
      acr: 'urn:acr',
      extra: { username: 'ada' },
    })
    expect(verifyAccess(keys, minted.accessToken, expected)).toEqual(minted.claims)
    expect(minted).not.toHaveProperty('idToken')
  })

  test('B31: claims of a resource or person never override ours, nor restrict what we could not check', () => {
    const evil = {
      iss: 'x',
      sub: 'x',
      aud: 'x',
      exp: 1,
      iat: 1,
      scope: 'admin',
      client_id: 'x',
      epoch: '9',
      gid: 'x',
      jti: 'x',
      cnf: {},
      nbf: 1,
      act: {},
    }
    const minted = mint(keys, {
      ...withIdToken,
      accessClaims: { ...evil, username: 'ada' },
      idToken: {
        ttl: 600,
        claims: {
          ...evil,
          nonce: 'x',
          azp: 'x',
          amr: ['x'],
          acr: 'x',
          auth_time: 1,
          sid: 'x',
          at_hash: 'x',
          c_hash: 'x',
          name: 'Ada',
        },
      },
    })
    expect(minted.claims.extra).toEqual({ username: 'ada' })
    expect(payloadOf(minted.accessToken)).toMatchObject({
      iss: issuer,
      sub: 'usr_1',
      scope: 'openid read',
      epoch: '1.2.3',
    })
    const idToken = payloadOf(minted.idToken!)
    expect(idToken).toMatchObject({
      iss: issuer,
      sub: 'usr_1',
      aud: 'app',
      exp: now + 600,
      iat: now,
      nonce: 'n-0S6',
      acr: 'urn:acr',
      amr: ['pwd'],
      auth_time: now - 10,
      sid: 'session-1',
      name: 'Ada',
    })
    for (const name of ['azp', 'nbf', 'cnf', 'c_hash', 'jti']) expect(idToken).not.toHaveProperty(name)
  })

  test('a token that would be too long is refused, and nothing comes out', () => {
    const scope = Array.from({ length: 60 }, (_, index) => `https://api.example/scope/${index}`)
    expect(() => mint(keys, { ...issuance, format: 'opaque', scope })).toThrow(TokenTooLarge)
    expect(mint(keys, { ...issuance, format: 'jwt', scope }).accessToken.length).toBeLessThanOrEqual(4096)
    expect(() => mint(keys, { ...issuance, format: 'jwt', scope: [...scope, ...scope, ...scope] })).toThrow(
      TokenTooLarge,
    )
    expect(() => mint(keys, { ...issuance, idToken: { ttl: 600, claims: { name: 'x'.repeat(4000) } } })).toThrow(
      TokenTooLarge,
    )
  })
})

describe('ID tokens (OIDC Core §2)', () => {
  test.each(['RS256', 'ES256', 'EdDSA'] as const)(
    '%s: signed as the client registered, read by an independent implementation',
    async (algorithm) => {
      const minted = mint(keys, { ...withIdToken, client: { clientId: 'app', idTokenAlgorithm: algorithm } })
      const key = await jose.importJWK(publicJwkOf(keys.signing(algorithm)), algorithm)
      const { payload, protectedHeader } = await jose.jwtVerify(minted.idToken!, key, {
        issuer,
        audience: 'app',
        currentDate: new Date(now * 1000),
      })
      expect(protectedHeader).toEqual({ alg: algorithm, typ: 'JWT', kid: `k-${algorithm}` })
      expect(payload).toEqual({
        iss: issuer,
        sub: 'usr_1',
        aud: 'app',
        iat: now,
        exp: now + 600,
        nonce: 'n-0S6',
        auth_time: now - 10,
        acr: 'urn:acr',
        amr: ['pwd'],
        sid: 'session-1',
        at_hash: leftHalfHash(algorithm, minted.accessToken),
        name: 'Ada',
      })
    },
  )

  test('without an authentication, nonce or session those claims are absent, not null', () => {
    const minted = mint(keys, { ...issuance, authentication: undefined, idToken: { ttl: 600, claims: {} } })
    expect(Object.keys(payloadOf(minted.idToken!)).toSorted()).toEqual(['at_hash', 'aud', 'exp', 'iat', 'iss', 'sub'])
  })
})

describe('an ID token as a hint', () => {
  const idToken = mint(keys, withIdToken).idToken!

  test('tells subject, client and session, also after it expired', () => {
    const hint = { subject: 'usr_1', clientId: 'app', sessionId: 'session-1' }
    expect(verifyIdTokenHint(keys, idToken, expected)).toEqual({ ...hint, expired: false })
    expect(verifyIdTokenHint(keys, idToken, { issuer, now: now + 601 })).toEqual({ ...hint, expired: true })
  })

  test('an access token, another issuer, another key or a changed one is none', () => {
    expect(verifyIdTokenHint(keys, mint(keys, issuance).accessToken, expected)).toEqual({ refused: 'token_type' })
    expect(verifyIdTokenHint(keys, idToken, { issuer: 'https://other.example', now })).toEqual({
      refused: 'token_malformed',
    })
    expect(verifyIdTokenHint(fixedKeys('other'), idToken, expected)).toEqual({ refused: 'token_signature' })
    expect(verifyIdTokenHint(keys, `${idToken.slice(0, -2)}AA`, expected)).toHaveProperty('refused')
  })
})
