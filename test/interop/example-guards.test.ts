import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIntrospection } from '../../examples/resource-server/introspection.ts'
import { createOfflineVerification } from '../../examples/resource-server/offline-verification.ts'
import { serve, type Site } from '../pages/browser.ts'

const [issuer, audience] = ['https://issuer.example', 'https://notes.example']
const json = [['content-type', 'application/json']] as const

describe('examples/resource-server: offline verification refuses what RFC 9068 §4 refuses', () => {
  let keys: Site
  let guard: ReturnType<typeof createOfflineVerification>
  let ours: Awaited<ReturnType<typeof generateKeyPair>>

  beforeAll(async () => {
    ours = await generateKeyPair('ES256')
    const rsa = await generateKeyPair('RS256')
    const set = {
      keys: [
        { ...(await exportJWK(ours.publicKey)), kid: 'ours' },
        { ...(await exportJWK(rsa.publicKey)), kid: 'rsa' },
      ],
    }
    keys = await serve(() => ({ status: 200, headers: json, body: JSON.stringify(set) }))
    guard = createOfflineVerification({ issuer, audience, jwksUri: `${keys.origin}/jwks.json` })
    wrong['an ID token, by its type'] = () => signed({}, { typ: 'JWT' })
    wrong['an algorithm that access tokens never have'] = () => signed({}, { alg: 'RS256', kid: 'rsa' }, rsa.privateKey)
  })
  afterAll(() => keys.stop())

  const wrong: Record<string, () => Promise<string>> = {
    'another audience': () => signed({ aud: 'https://door.example' }),
    'another issuer': () => signed({ iss: 'https://evil.example' }),
    'its time is over': () => signed({ exp: 1_000_000_000 }),
    'no end': () => signed({ exp: undefined }),
    'no client': () => signed({ client_id: undefined }),
    'another key under our name': async () => signed({}, {}, (await generateKeyPair('ES256')).privateKey),
    'an ID token, by its type': () => Promise.resolve(''),
    'an algorithm that access tokens never have': () => Promise.resolve(''),
  }

  function signed(claims: object, header: object = {}, key = ours.privateKey): Promise<string> {
    const usual = { iss: issuer, aud: audience, sub: 'usr_1', client_id: 'app', scope: 'a b', exp: 4_000_000_000 }
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'ours', ...header })
      .sign(key)
  }

  test('a good token says who and what for', async () => {
    expect(await guard(await signed({ username: 'ada' }))).toEqual({ subject: 'usr_1', name: 'ada', scope: ['a', 'b'] })
  })

  test.each(Object.keys(wrong))('%s', async (name) => {
    expect(await guard(await wrong[name]!())).toHaveProperty('invalid')
  })

  test('keys that can not be had make nobody valid, and no token bad', async () => {
    const nowhere = createOfflineVerification({ issuer, audience, jwksUri: 'http://127.0.0.1:1/jwks.json' })
    expect(await nowhere(await signed({}))).toEqual({ unavailable: true })
  })
})

describe('examples/resource-server: introspection believes an active token for this API alone', () => {
  const good = { active: true, aud: audience, sub: 'usr_1', scope: 'a', username: 'ada' }

  test.each([
    ['a good one', 200, good, { subject: 'usr_1', name: 'ada', scope: ['a'] }],
    ['an inactive one', 200, { ...good, active: false }, { invalid: expect.any(String) as string }],
    ['one of another API', 200, { ...good, aud: 'https://door.example' }, { invalid: expect.any(String) as string }],
    ['an answer that is none', 503, {}, { unavailable: true }],
  ])('%s', async (_, status, answer, checked) => {
    const site = await serve(() => ({ status, headers: json, body: JSON.stringify(answer) }))
    try {
      const guard = createIntrospection({ endpoint: site.origin, clientId: 'api', clientSecret: 's', audience })
      expect(await guard('a token')).toEqual(checked)
    } finally {
      await site.stop()
    }
  })
})
