import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow, introspect, userinfo } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { quickest } from '../kit/quickest.ts'
import { attack, type House } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let house: House
/** A live access token, split. */
let header: string
let claims: string
let signature: string
let idToken: string
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  app = await server.makeClient()
  house = { server, app }
  const { tokens } = await codeFlow(server, app, 'ada')
  ;[header = '', claims = '', signature = ''] = tokens.access_token.split('.')
  idToken = tokens.id_token
})
afterAll(() => server.close())

const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const open = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>

async function refused(text: string): Promise<void> {
  const answer = await attack(house, () => userinfo(server, text))
  expect(answer.status, text.slice(0, 80)).toBe(401)
  expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  expect(await introspect(server, app, text)).toEqual({ active: false })
}

/** The token with another header or other claims, signed by a key that isn't ours. */
function forged(changedHeader: Record<string, unknown>, changedClaims: Record<string, unknown> = {}): string {
  const input = `${part({ ...open(header), ...changedHeader })}.${part({ ...open(claims), ...changedClaims })}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

describe('family E: JOSE and keys', () => {
  test('the token itself is good', async () => {
    expect((await userinfo(server, `${header}.${claims}.${signature}`)).status).toBe(200)
  })

  test.each(['none', 'None', 'nOnE', ''])('E01 alg-none: %j', async (alg) => {
    await refused(`${part({ ...open(header), alg })}.${claims}.`)
    await refused(`${part({ ...open(header), alg })}.${claims}.${signature}`)
    await refused(`${header}.${claims}.`)
  })

  test('E02 HS-RS: HMAC over a public key of the JWKS', async () => {
    const { keys } = (await createBrowser(server.url).ask('/.well-known/jwks.json')).json() as {
      keys: Record<string, string>[]
    }
    for (const jwk of keys) {
      const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
      const input = `${part({ alg: 'HS256', typ: 'at+jwt', kid: jwk['kid'] })}.${claims}`
      await refused(`${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`)
    }
  })

  test.each(['../../x', "' OR 1=1", 'x'.repeat(10_000), '', 7, null, ['a'], '__proto__', 'constructor'])(
    'E03 kid-injection: %j',
    async (kid) => refused(forged({ kid })),
  )

  test('E04 remote-key-headers are never looked at', async () => {
    const jwk = stranger.publicKey.export({ format: 'jwk' })
    await refused(forged({ jwk }))
    await refused(forged({ jwk, kid: undefined }))
    await refused(forged({ jku: 'http://127.0.0.1:9/jwks', x5u: 'http://127.0.0.1:9/x5u' }))
  })

  test.each([{ crit: ['exp'] }, { crit: [] }, { b64: false, crit: ['b64'] }, { b64: false }])(
    'E05 crit/b64: %j',
    async (extra) => refused(forged(extra)),
  )

  test('E06 JWE-bomb: an encrypted token is refused at once', async () => {
    const bombs = [
      { alg: 'dir', enc: 'A256GCM', zip: 'DEF' },
      { alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2 ** 31, p2s: 'eA' },
      { alg: 'RSA1_5', enc: 'A128CBC-HS256' },
    ]
    for (const bomb of bombs) {
      const token = `${part(bomb)}.${part('x'.repeat(300))}.${part('iv')}.${part('x'.repeat(2000))}.${part('tag')}`
      expect(await quickest(() => refused(token), { enough: 500 })).toBeLessThan(500)
    }
  })

  test('E08 loose-encoding', async () => {
    const text = `${header}.${claims}.${signature}`
    const loose = [
      `${header}=.${claims}.${signature}`,
      `${header}.${claims}.${signature}=`,
      `${header}.${claims}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'A'}`,
      `${text}.`,
      `${text}.x`,
      `.${text}`,
      text.replaceAll('-', '+').replaceAll('_', '/'),
      `${part('{"alg":"ES256","alg":"none","typ":"at+jwt"}')}.${claims}.${signature}`,
    ].filter((candidate) => candidate !== text)
    for (const candidate of loose) await refused(candidate)
  })

  test('E10 cross-JWT: an ID token is no access token', async () => refused(idToken))

  test('E11 claim-types: what is signed by us still has to be of its type', async () => {
    const { signJws } = await import('../../src/crypto/jws.ts')
    const key = server.core.keys.signing('ES256')
    const good = open(claims)
    expect((await userinfo(server, signJws(key, 'at+jwt', JSON.stringify(good)))).status).toBe(200)
    const now = server.clock.seconds()
    const wrong: readonly Record<string, unknown>[] = [
      { exp: String(now + 60) },
      { exp: now + 0.5 },
      { exp: 1e308 },
      { exp: undefined },
      { iat: now + 3600 },
      { aud: { a: 1 } },
      { aud: undefined },
      { aud: [] },
      { sub: 7 },
      { epoch: 7 },
      { epoch: undefined },
      { gid: undefined },
      { jti: undefined },
      { client_id: undefined },
      { iss: 'https://evil.example' },
      { cnf: { jkt: 'x' } },
    ]
    for (const change of wrong) await refused(signJws(key, 'at+jwt', JSON.stringify({ ...good, ...change })))
    await refused(signJws(key, 'logout+jwt', JSON.stringify(good)))
  })

  test('K10 epoch-forge: an epoch that is missing a part, older or newer than now', async () => {
    const { signJws } = await import('../../src/crypto/jws.ts')
    const good = open(claims)
    for (const epoch of ['', '1', '1.1', '0.0.0', '9.9.9', '-1.1.1', '1.1.1.1', '01.1.1']) {
      await refused(signJws(server.core.keys.signing('ES256'), 'at+jwt', JSON.stringify({ ...good, epoch })))
    }
  })

  test('E12 private-leak: the JWKS holds public parts alone', async () => {
    const answer: Answer = await createBrowser(server.url).ask('/.well-known/jwks.json')
    const { keys } = answer.json() as { keys: Record<string, unknown>[] }
    expect(keys.length).toBeGreaterThanOrEqual(3)
    for (const key of keys) {
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']) expect(key).not.toHaveProperty(name)
      expect(key).toMatchObject({ use: 'sig' })
      expect(['ES256', 'RS256', 'EdDSA']).toContain(key['alg'])
    }
  })

  test('E13 retired-key: a rotation breaks no token that lives, and its key goes when nothing of it can', async () => {
    const before = (await createBrowser(server.url).ask('/.well-known/jwks.json')).json() as { keys: { kid: string }[] }
    const { tokens } = await codeFlow(server, app, 'ada')
    const kid = String(open(tokens.access_token.split('.')[0] ?? '')['kid'])
    await server.core.keys.rotate('signing-ES256')
    // Announced: in the JWKS, but nothing is signed with it yet.
    const announced = (await createBrowser(server.url).ask('/.well-known/jwks.json')).json() as {
      keys: { kid: string }[]
    }
    expect(announced.keys).toHaveLength(before.keys.length + 1)
    const still = await codeFlow(server, app, 'ada')
    expect(open(still.tokens.access_token.split('.')[0] ?? '')['kid']).toBe(kid)
    server.clock.advance(12 * 60)
    await server.core.keys.tick()
    const after = await codeFlow(server, app, 'ada')
    expect(open(after.tokens.access_token.split('.')[0] ?? '')['kid']).not.toBe(kid)
    expect((await userinfo(server, tokens.access_token)).status).toBe(200)
    server.clock.advance(3 * 3600)
    await server.core.keys.tick()
    const kids = ((await createBrowser(server.url).ask('/.well-known/jwks.json')).json() as { keys: { kid: string }[] })
      .keys
    expect(kids.map((key) => key.kid)).not.toContain(kid)
  })
})
