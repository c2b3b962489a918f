import { createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { changeClient, rotateClientSecret } from '../../src/accounts/change-client.ts'
import { equal } from '../../src/crypto/equal.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow, tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { attack, expectTokenError, type House } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let jwtClient: MadeClient
let house: House
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicJwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  app = await server.makeClient()
  await server.makeClient({ client_id: 'spa', token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] })
  jwtClient = await server.makeClient({
    client_id: 'jwt',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [publicJwk] },
    grant_types: ['client_credentials'],
    scope: 'read',
  })
  house = { server, app, secrets: [app.secret] }
})
afterAll(() => server.close())

function ask(headers: Readonly<Record<string, string>>, form: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return createBrowser(server.url).ask('/oauth/token', {
    form: { grant_type: 'client_credentials', scope: 'read', ...form },
    headers,
  })
}

type Claims = Readonly<Record<string, unknown>>

function goodClaims(): Claims {
  const now = server.clock.seconds()
  return { iss: 'jwt', sub: 'jwt', aud: server.url, iat: now, exp: now + 120, jti: randomBytes(12).toString('hex') }
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function assertion(claims: Claims = {}, header: Claims = {}, key: KeyObject = pair.privateKey): string {
  const input = `${part({ alg: 'ES256', kid: 'k1', typ: 'client-authentication+jwt', ...header })}.${part({ ...goodClaims(), ...claims })}`
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

function assert(text: string, form: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return ask(
    {},
    {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: text,
      ...form,
    },
  )
}

describe('family D: client authentication', () => {
  test('D01 secret-timing: secrets are compared in constant time, whatever their lengths', () => {
    expect(equal('a'.repeat(43), 'a'.repeat(43))).toBe(true)
    for (const other of ['', 'a', `b${'a'.repeat(42)}`, `${'a'.repeat(42)}b`, 'a'.repeat(44)])
      expect(equal('a'.repeat(43), other)).toBe(false)
  })

  test('D02 unknown-vs-wrong: the same status, body and headers', async () => {
    const wrong = await attack(house, () => ask({ authorization: `Basic ${btoa('app:wrong')}` }))
    const unknown = await attack(house, () => ask({ authorization: `Basic ${btoa('nobody:wrong')}` }))
    expectTokenError(wrong, 'invalid_client')
    expect(unknown.text).toBe(wrong.text)
    const headers = (answer: Answer) => [...answer.headers].filter(([name]) => name !== 'date')
    expect(headers(unknown)).toEqual(headers(wrong))
  })

  test('D04 none: a confidential client without credentials, a public one with a bogus secret', async () => {
    expectTokenError(await attack(house, () => ask({}, { client_id: 'app' })), 'invalid_client')
    expectTokenError(await attack(house, () => ask({}, { client_id: 'spa', client_secret: 'bogus' })), 'invalid_client')
    expectTokenError(await attack(house, () => ask({ authorization: `Basic ${btoa('spa:bogus')}` })), 'invalid_client')
  })

  test('D04 another method than the registered one', async () => {
    expectTokenError(
      await attack(house, () => ask({}, { client_id: 'app', client_secret: app.secret })),
      'invalid_client',
    )
  })

  test('RFC 6749 §2.3: more than one method at once', async () => {
    const both = await attack(house, () => ask({ authorization: app.basic }, { client_secret: app.secret }))
    expectTokenError(both, 'invalid_request')
    expectTokenError(
      await attack(house, () => ask({ authorization: app.basic }, { client_id: 'other' })),
      'invalid_client',
    )
  })

  const basic = (text: string) => `Basic ${btoa(text)}`
  test.each([
    ['bad base64', 'Basic !!!'],
    ['no colon', basic('app')],
    ['a broken escape', basic('app:%zz')],
    ['lower case', `basic ${btoa('app:x')}`],
    ['not UTF-8', `Basic ${Buffer.from([0x61, 0x3a, 0xff, 0xfe]).toString('base64')}`],
    ['a scheme alone', 'Basic'],
    ['Bearer', 'Bearer x'],
    ['unpadded', `Basic ${btoa('app:xy').replace(/=+$/, '')}`],
  ])('D06 lax-Basic: %s', async (_, authorization) => {
    const answer = await attack(house, () => ask({ authorization }))
    expectTokenError(answer, 'invalid_client')
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
  })

  test('D07 brute: guesses at one client are throttled per source; other clients are untouched', async () => {
    onTestFinished(server.clock.stand())
    const statuses: number[] = []
    for (let tries = 0; tries < 32; tries += 1) statuses.push((await ask({ authorization: basic('app:wrong') })).status)
    expect(statuses.at(0)).toBe(401)
    expect(statuses.at(-1)).toBe(429)
    expect((await ask({ authorization: app.basic })).status).toBe(429)
    expect((await assert(assertion())).status).toBe(200)
    server.clock.advance(3600)
    expect((await ask({ authorization: app.basic })).status).toBe(200)
  })

  test('D07 brute: so are assertions with a wrong signature, for each client by itself', async () => {
    onTestFinished(server.clock.stand())
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const statuses: number[] = []
    for (let tries = 0; tries < 32; tries += 1) statuses.push((await assert(assertion({}, {}, stranger))).status)
    expect([statuses.at(0), statuses.at(-1)]).toEqual([401, 429])
    expect((await assert(assertion())).status).toBe(429)
    expect((await ask({ authorization: app.basic })).status).toBe(200)
    server.clock.advance(3600)
    expect((await assert(assertion())).status).toBe(200)
  })

  test('private_key_jwt: the right assertion, with each type that is accepted', async () => {
    for (const typ of ['client-authentication+jwt', 'JWT', undefined]) {
      expect((await assert(assertion({}, { typ }))).status).toBe(200)
    }
    expect((await assert(assertion(), { client_id: 'jwt' })).status).toBe(200)
    expectTokenError(await assert(assertion(), { client_id: 'app' }), 'invalid_client')
  })

  test('D09 audience-injection: only the issuer, as the only string', async () => {
    const audiences = [
      `${server.url}/oauth/token`,
      `${server.url}/`,
      [server.url],
      [server.url, 'https://evil.example'],
      'https://evil.example',
      undefined,
      { [server.url]: true },
    ]
    for (const aud of audiences)
      expectTokenError(await attack(house, () => assert(assertion({ aud }))), 'invalid_client')
  })

  test('D09: a client with the switch may still name the token endpoint, and nobody else', async () => {
    await server.makeClient({
      client_id: 'old',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [publicJwk] },
      grant_types: ['client_credentials'],
      scope: 'read',
      legacy: ['assertion_audience'],
    })
    const claims = { iss: 'old', sub: 'old' }
    expect((await assert(assertion({ ...claims, aud: `${server.url}/oauth/token` }))).status).toBe(200)
    expect((await assert(assertion({ ...claims, aud: [server.url] }))).status).toBe(200)
    expectTokenError(
      await assert(assertion({ ...claims, aud: [server.url, 'https://evil.example'] })),
      'invalid_client',
    )
  })

  test.each(['at+jwt', 'logout+jwt', 'dpop+jwt', 'application/at+jwt', ''])(
    'D10 typ: %j is no assertion',
    async (typ) => {
      expectTokenError(
        await attack(house, () => assert(assertion({}, { typ: typ === '' ? 42 : typ }))),
        'invalid_client',
      )
    },
  )

  test('D11 times and names', async () => {
    const now = server.clock.seconds()
    const wrong: readonly Claims[] = [
      { exp: now - 1 },
      { exp: now + 3600 },
      { jti: 'x'.repeat(257) },
      { exp: undefined },
      { exp: String(now + 60) },
      { iat: now + 300 },
      { nbf: now + 300 },
      { sub: undefined },
      { sub: 'app' },
      { iss: undefined },
      { iss: 'app' },
      { jti: undefined },
      { jti: '' },
      { jti: 7 },
    ]
    for (const claims of wrong) {
      expectTokenError(await attack(house, () => assert(assertion(claims))), 'invalid_client')
    }
  })

  test('each assertion once (RFC 7523 §3), also in parallel', async () => {
    const text = assertion()
    const answers = await Promise.all(Array.from({ length: 20 }, () => assert(text)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('D12 alg: none, HS256 over the public key, an algorithm or key that was not registered', async () => {
    const claims = part(goodClaims())
    const none = `${part({ alg: 'none' })}.${claims}.`
    const input = `${part({ alg: 'HS256', kid: 'k1' })}.${claims}`
    const secret = pair.publicKey.export({ format: 'pem', type: 'spki' })
    const hmac = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rsInput = `${part({ alg: 'RS256', kid: 'k1' })}.${claims}`
    const rs256 = `${rsInput}.${sign('sha256', Buffer.from(rsInput), rsa.privateKey).toString('base64url')}`
    const stranger = assertion({}, {}, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const embedded = assertion(
      {},
      { kid: undefined, jwk: rsa.publicKey.export({ format: 'jwk' }) },
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    )
    for (const text of [none, hmac, rs256, stranger, embedded]) {
      expectTokenError(await attack(house, () => assert(text)), 'invalid_client')
    }
  })

  test('D12: an access token of ours is no assertion (E10)', async () => {
    const { tokens } = await codeFlow(server, app, 'ada')
    for (const text of [tokens.access_token, tokens.id_token]) expectTokenError(await assert(text), 'invalid_client')
  })

  test('D13 weak-secret: a secret is always ours, with 256 random bits, and stands in the store as a hash', async () => {
    await expect(server.makeClient({ client_id: 'weak', client_secret: 'hunter2' })).rejects.toThrow(/client_secret/)
    expect(app.secret).toMatch(/^gth_cs_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/)
    expect(JSON.stringify(app.record)).not.toContain(app.secret.slice(16))
  })

  test('D25 secret-in-read: no call shows a secret again, to whom it may show the client', async () => {
    await server.makeUser('boss', { role: 'admin' })
    const desk = await server.makeClient({ client_id: 'desk', scope: 'openid admin' })
    const { tokens } = await codeFlow(server, desk, 'boss', { extra: { scope: 'openid admin' } })
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    for (const path of ['/api/v1/clients', '/api/v1/clients/app']) {
      const answer = await attack(house, () => createBrowser(server.url).ask(path, { headers }))
      expect([answer.status, answer.text.includes('"app"')], path).toEqual([200, true])
      expect(answer.text).not.toMatch(/gth_cs_|"(?:client_)?secrets?"/)
    }
  })

  test('D27 jti-flood: what is remembered of an assertion goes with its time', async () => {
    onTestFinished(server.clock.stand())
    const remembered = async () => {
      const lives: number[] = []
      for await (const { expiresAt } of server.core.admin.scan('once')) lives.push(expiresAt ?? Infinity)
      return lives
    }
    const before = (await remembered()).length
    for (let count = 0; count < 50; count += 1) expect((await assert(assertion())).status).toBe(200)
    const all = await remembered()
    expect(all).toHaveLength(before + 50)
    const longest = server.clock.seconds() + 120 + 60
    for (const expiresAt of all) expect(expiresAt).toBeLessThanOrEqual(longest)
  })

  test('D27 jti-flood: one client’s share of what is remembered is bounded; then 429, until there is room again', async () => {
    const { limits } = server.core
    // As much as it may hold, and what comes free in ten seconds.
    for (let count = 0; count < 55_000; count += 1) limits.count('once-memory', ['jwt'])
    const refused = await attack(house, () => assert(assertion()))
    expect([refused.status, refused.json()['error']]).toEqual([429, 'temporarily_unavailable'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    // Everybody else has a share of his own.
    expect((await ask({ authorization: app.basic })).status).not.toBe(429)
    server.clock.advance(30)
    expect((await assert(assertion())).status).toBe(200)
  })

  describe('client_secret_jwt', () => {
    let mac: MadeClient

    beforeAll(async () => {
      mac = await server.makeClient({
        client_id: 'mac',
        token_endpoint_auth_method: 'client_secret_jwt',
        grant_types: ['client_credentials'],
        scope: 'read',
      })
    })

    function maced(claims: Claims = {}, secret: string | Buffer = mac.secret, header: Claims = {}): string {
      const named = { ...goodClaims(), iss: 'mac', sub: 'mac', ...claims }
      const input = `${part({ alg: 'HS256', typ: 'client-authentication+jwt', ...header })}.${part(named)}`
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    }

    test('OIDC Core §9: an assertion MACed with the secret is the client, once', async () => {
      const text = maced()
      expect((await assert(text)).status).toBe(200)
      expectTokenError(await attack(house, () => assert(text), { secrets: [mac.secret] }), 'invalid_client')
    })

    test('D12 alg: another MAC, a signature, none, the secret of another client', async () => {
      const none = `${part({ alg: 'none' })}.${part({ ...goodClaims(), iss: 'mac', sub: 'mac' })}.`
      const texts = [
        none,
        maced({}, mac.secret, { alg: 'HS512' }),
        maced({}, mac.secret, { alg: 'ES256' }),
        maced({}, app.secret),
        maced({}, ''),
        assertion({ iss: 'mac', sub: 'mac' }),
        maced({ iss: 'jwt', sub: 'jwt' }),
      ]
      for (const text of texts) expectTokenError(await attack(house, () => assert(text)), 'invalid_client')
    })

    test('D09, D11: audience and times are judged as for any assertion', async () => {
      const now = server.clock.seconds()
      for (const claims of [{ aud: `${server.url}/oauth/token` }, { exp: now + 3600 }, { exp: now - 1 }, { jti: '' }])
        expectTokenError(await attack(house, () => assert(maced(claims))), 'invalid_client')
    })

    test('its secret never travels: sent as a password it is refused, right as it is', async () => {
      expectTokenError(await attack(house, () => ask({ authorization: mac.basic })), 'invalid_client')
      const posted = { client_id: 'mac', client_secret: mac.secret }
      expectTokenError(await attack(house, () => ask({}, posted)), 'invalid_client')
    })

    test('D13: the secret is sealed at rest, for this client alone', async () => {
      const [kept] = 'secrets' in mac.record.authentication ? mac.record.authentication.secrets : []
      expect(JSON.stringify(mac.record)).not.toContain(mac.secret.slice(16))
      const protection = await server.core.protection()
      expect(Buffer.from(protection.open('client-secret', 'mac', kept?.sealed ?? '')).toString()).toBe(mac.secret)
      expect(() => protection.open('client-secret', 'app', kept?.sealed ?? '')).toThrow(/doesn't open/)
    })

    test('a new secret replaces it; with an overlap both work for that long', async () => {
      const cli = { kind: 'cli' } as const
      const rotated = await rotateClientSecret(server.core, { actor: cli, clientId: 'mac', overlapSeconds: 100 })
      const fresh = 'done' in rotated ? (rotated.done.secret ?? '') : ''
      expect((await assert(maced({}, fresh))).status).toBe(200)
      expect((await assert(maced())).status).toBe(200)
      server.clock.advance(101)
      expectTokenError(await attack(house, () => assert(maced())), 'invalid_client')
      expect((await assert(maced({}, fresh))).status).toBe(200)
    })

    test('a client that changes to this method gets a secret that can be computed with', async () => {
      await server.makeClient({ client_id: 'moving', grant_types: ['client_credentials'], scope: 'read' })
      const changed = await changeClient(server.core, {
        actor: { kind: 'cli' },
        clientId: 'moving',
        fields: { token_endpoint_auth_method: 'client_secret_jwt', redirect_uris: null },
      })
      const secret = 'done' in changed ? (changed.done.secret ?? '') : ''
      expect(secret).toMatch(/^gth_cs_/)
      expect((await assert(maced({ iss: 'moving', sub: 'moving' }, secret))).status).toBe(200)
    })
  })

  test('a client that was switched off, and one that never existed, are the same', async () => {
    const gone = await server.makeClient({ client_id: 'gone' })
    const { deleteClient } = await import('../../src/accounts/change-client.ts')
    await deleteClient(server.core, { actor: { kind: 'cli' }, clientId: 'gone' })
    expectTokenError(await tokenRequest(server, gone, { grant_type: 'client_credentials' }), 'invalid_client')
  })

  test('the client jwt takes no secret', async () => {
    expectTokenError(await ask({ authorization: basic(`${jwtClient.clientId}:x`) }), 'invalid_client')
  })
})
