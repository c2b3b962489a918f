import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { importJwkSet, importPublicJwk } from '../../src/crypto/jwk.ts'
import { parseJws, verifyJws, type VerificationKey } from '../../src/crypto/jws.ts'

type Group = {
  readonly public?: object
  readonly private?: object
  readonly tests: readonly { tcId: number; comment: string; jws: string; result: 'valid' | 'invalid' }[]
}

function groups(name: string): readonly Group[] {
  const text = readFileSync(new URL(`../vectors/wycheproof/${name}_test.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { testGroups: Group[] }).testGroups
}

/** As an endpoint would: keys were registered, a `kid` in the header must be theirs. */
function verifies(keys: readonly VerificationKey[], text: string): boolean {
  const jws = parseJws(text, 8192)
  if ('refused' in jws) return false
  const fitting = keys.filter((key) => jws.keyId === undefined || key.keyId === undefined || key.keyId === jws.keyId)
  return fitting.some((key) => !('refused' in verifyJws(jws, key)))
}

function registered(jwk: object | undefined): readonly VerificationKey[] {
  const key = importPublicJwk(jwk)
  return 'refused' in key ? [] : [key]
}

// Only these can be accepted at all here; HMAC, SHA-384, SHA-512 and other curves don't exist.
const ours = ['ES256', 'RS256', 'PS256', 'EdDSA']

describe('Wycheproof JSON Web Signature', () => {
  const cases = groups('json_web_signature').flatMap((group) => {
    const jwk = group.public ?? group.private
    const keys = registered(group.public ?? group.private)
    return group.tests.map((test) => ({ ...test, jwk, accepted: verifies(keys, test.jws) }))
  })

  test('all 401 cases are there, and most keys are read', () => {
    expect(cases).toHaveLength(401)
    expect(cases.filter(({ jwk }) => registered(jwk).length === 1).length).toBeGreaterThan(300)
  })

  test('no invalid signature is accepted', () => {
    const accepted = cases.filter(({ result, accepted }) => result === 'invalid' && accepted)
    expect(accepted.map(({ tcId, comment }) => `${tcId} ${comment}`)).toEqual([])
  })

  test('every valid signature of an algorithm that exists here is accepted', () => {
    const algorithmOf = (text: string) =>
      (JSON.parse(Buffer.from(text.split('.')[0]!, 'base64url').toString()) as { alg: string }).alg
    const mustPass = cases.filter(({ result, jws }) => result === 'valid' && ours.includes(algorithmOf(jws)))
    expect(mustPass.length).toBeGreaterThan(10)
    const refused = mustPass.filter(({ accepted }) => !accepted)
    expect(refused.map(({ tcId, comment }) => `${tcId} ${comment}`)).toEqual([])
  })
})

describe('Wycheproof JSON Web Key', () => {
  const cases = groups('json_web_key').flatMap((group) => {
    const set = importJwkSet(group.public ?? group.private)
    return group.tests.map((test) => ({ ...test, set, accepted: !('refused' in set) && verifies(set, test.jws) }))
  })

  test('no invalid key set leads to an accepted signature', () => {
    expect(cases).toHaveLength(26)
    const accepted = cases.filter(({ result, accepted }) => result === 'invalid' && accepted)
    expect(accepted.map(({ tcId, comment }) => `${tcId} ${comment}`)).toEqual([])
  })

  test('every flawed public key is refused when it is registered, not only when it is used', () => {
    const flawed = cases.filter(({ comment }) =>
      /WrongUse|Roca|1024|Exponent1|mismatched|ModifiedKey|DuplicateKid/i.test(comment),
    )
    expect(flawed.length).toBeGreaterThanOrEqual(10)
    expect(flawed.filter(({ set }) => !('refused' in set)).map(({ tcId, comment }) => `${tcId} ${comment}`)).toEqual([])
  })

  test('the valid asymmetric set is accepted', () => {
    expect(cases.find(({ tcId }) => tcId === 5)?.accepted).toBe(true)
  })
})
