import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { unverifiedClaims, verifyAssertion } from '../../src/crypto/assertion-jws.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const jwkOf = (key: KeyObject, more: object = {}): Record<string, unknown> => ({
  ...key.export({ format: 'jwk' }),
  ...more,
})

function signed(
  key: KeyObject,
  header: jose.JWTHeaderParameters,
  claims: jose.JWTPayload = { iss: 'app' },
): Promise<string> {
  return new jose.SignJWT(claims).setProtectedHeader(header).sign(key)
}

describe('a client assertion', () => {
  const keys = [jwkOf(rsa.publicKey, { kid: 'r' }), jwkOf(ec.publicKey, { kid: 'e' })]

  test('verifies under the key that its kid names, or without kid under any that fits', async () => {
    const typ = 'client-authentication+jwt'
    const expected = { type: typ, claims: { iss: 'app' } }
    expect(verifyAssertion(await signed(ec.privateKey, { alg: 'ES256', kid: 'e', typ }), { keys })).toEqual(expected)
    expect(verifyAssertion(await signed(ec.privateKey, { alg: 'ES256', typ }), { keys })).toEqual(expected)
    for (const alg of ['RS256', 'PS256']) {
      expect(verifyAssertion(await signed(rsa.privateKey, { alg, kid: 'r', typ }), { keys })).toEqual(expected)
    }
  })

  test('a kid that is another key of the client, or of nobody, is refused', async () => {
    expect(verifyAssertion(await signed(ec.privateKey, { alg: 'ES256', kid: 'r' }), { keys })).toEqual({
      refused: 'algorithm',
    })
    for (const kid of ['../../x', "' OR 1=1", '__proto__', 'constructor']) {
      expect(verifyAssertion(await signed(ec.privateKey, { alg: 'ES256', kid }), { keys })).toEqual({ refused: 'key' })
    }
  })

  test('D12: only the registered algorithm', async () => {
    const text = await signed(rsa.privateKey, { alg: 'RS256', kid: 'r' })
    expect(verifyAssertion(text, { keys, algorithm: 'PS256' })).toEqual({ refused: 'algorithm' })
    expect(verifyAssertion(text, { keys, algorithm: 'RS256' })).toHaveProperty('claims')
  })

  test('RFC 9864 §2.2: EdDSA and Ed25519 are one algorithm, whichever name the key, the client and the header use', async () => {
    const ed = generateKeyPairSync('ed25519')
    for (const alg of ['EdDSA', 'Ed25519']) {
      const text = await signed(ed.privateKey, { alg })
      for (const name of ['EdDSA', 'Ed25519'] as const) {
        const keys = [jwkOf(ed.publicKey, { alg: name })]
        expect(verifyAssertion(text, { keys, algorithm: name }), `${alg} ${name}`).toHaveProperty('claims')
      }
      expect(verifyAssertion(text, { keys: [jwkOf(ed.publicKey)], algorithm: 'ES256' })).toEqual({
        refused: 'algorithm',
      })
    }
  })

  test("a stranger's key, also under the right kid", async () => {
    expect(verifyAssertion(await signed(stranger.privateKey, { alg: 'ES256', kid: 'e' }), { keys })).toEqual({
      refused: 'signature',
    })
  })

  test('a registered key that is not good enough is none', async () => {
    const text = await signed(ec.privateKey, { alg: 'ES256' })
    expect(verifyAssertion(text, { keys: [jwkOf(ec.publicKey, { use: 'enc' })] })).toEqual({ refused: 'key' })
    expect(verifyAssertion(text, { keys: [] })).toEqual({ refused: 'key' })
  })

  test('claims that two parsers could read differently are refused, though signed', async () => {
    const payload = Buffer.from('{"iss":"app","iss":"other"}')
    const text = await new jose.CompactSign(payload).setProtectedHeader({ alg: 'ES256', kid: 'e' }).sign(ec.privateKey)
    expect(verifyAssertion(text, { keys })).toEqual({ refused: 'malformed' })
    expect(unverifiedClaims(text)).toBeUndefined()
  })

  test('what it says can be read before it is believed', async () => {
    expect(unverifiedClaims(await signed(stranger.privateKey, { alg: 'ES256' }, { sub: 'app' }))).toEqual({
      sub: 'app',
    })
    expect(unverifiedClaims('no.jwt')).toBeUndefined()
    expect(unverifiedClaims('x'.repeat(10_000))).toBeUndefined()
  })
})
