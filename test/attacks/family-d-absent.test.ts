import { generateKeyPairSync, createHash, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { claimsOf, codeFlow, tokenRequest, userinfo } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { attack, expectTokenError, inTurn, type House } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let house: House
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = pair.publicKey.export({ format: 'jwk' })
const clientCredentials = { grant_type: 'client_credentials', scope: 'read' }

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  app = await server.makeClient()
  house = { server, app, secrets: [app.secret] }
})
afterAll(() => server.close())

const ask = (form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  createBrowser(server.url).ask('/oauth/token', { form, headers })
const metadata = async () => (await createBrowser(server.url).ask('/.well-known/oauth-authorization-server')).json()

/** Of a client that isn't bound to anything: RFC 6750, and no `cnf` (RFC 7800 §3.1). */
function expectUnbound(answer: Answer): void {
  expect(answer.status, answer.text).toBe(200)
  expect(answer.json()).toMatchObject({ token_type: 'Bearer' })
  expect(claimsOf(String(answer.json()['access_token']))).not.toHaveProperty('cnf')
}

describe('no certificate says who a client is', () => {
  // What proxies call it: RFC 9440, nginx, Envoy, Apache behind CGI, an F5.
  const certificate = 'MIIBIzCBy6ADAgECAhQ'
  const headers = [
    { 'client-cert': `:${certificate}:` },
    { 'client-cert': `:${certificate}:`, 'client-cert-chain': `:${certificate}:` },
    { 'x-ssl-cert': certificate, 'x-ssl-client-verify': 'SUCCESS' },
    { 'x-ssl-client-s-dn': 'CN=app', 'ssl-client-verify': 'SUCCESS' },
    { 'x-forwarded-client-cert': `Hash=00;Subject="CN=app";URI=spiffe://example/app` },
    { ssl_client_cert: certificate, ssl_client_verify: 'SUCCESS' },
    { 'x-client-cert': certificate, 'x-client-id': 'app' },
  ]

  test('D14 cert-header-spoof: in no header, whatever a proxy calls it', async () => {
    for (const one of headers) {
      const answer = await attack(house, () => ask({ ...clientCredentials, client_id: 'app' }, one))
      expectTokenError(answer, 'invalid_client')
      expectUnbound(await ask(clientCredentials, { authorization: app.basic, ...one }))
    }
  })

  test('D15 other-cert: no client can be registered by one, nor its tokens bound to one, and none is offered', async () => {
    for (const token_endpoint_auth_method of ['tls_client_auth', 'self_signed_tls_client_auth'])
      await expect(server.makeClient({ client_id: 'tls', token_endpoint_auth_method })).rejects.toThrow(/auth_method/)
    const bound = { client_id: 'tls', tls_client_certificate_bound_access_tokens: true }
    await expect(server.makeClient(bound)).rejects.toThrow(/certificate_bound/)
    expect(JSON.stringify(await metadata())).not.toMatch(/tls_client|mtls/)
  })
})

describe('no proof of possession binds a token', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  /** A right proof for this request (RFC 9449 §4.2). */
  function proof(method: string, path: string, token?: string): string {
    const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') }
    const claims = { jti: 'once', htm: method, htu: `${server.url}${path}`, iat: server.clock.seconds(), ...ath }
    const input = `${part({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${part(claims)}`
    const signature = sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' })
    return `${input}.${signature.toString('base64url')}`
  }

  test('D16, D17: a proof, right, sent again or broken, changes no answer: it says Bearer, so nobody believes it bound', async () => {
    const right = proof('POST', '/oauth/token')
    for (const dpop of [right, right, `${right}x`, 'nonsense', ''])
      expectUnbound(await ask(clientCredentials, { authorization: app.basic, dpop }))
    expectTokenError(
      await attack(house, () => ask({ ...clientCredentials, client_id: 'app' }, { dpop: right })),
      'invalid_client',
    )
  })

  test('D17: none is offered, and no client is promised it', async () => {
    expect(JSON.stringify(await metadata())).not.toContain('dpop')
    await expect(server.makeClient({ client_id: 'bound', dpop_bound_access_tokens: true })).rejects.toThrow(/dpop/)
  })

  test('D18 dpop-downgrade: with the scheme DPoP no token opens anything', async () => {
    const { access_token: token } = (await codeFlow(server, app, 'ada')).tokens
    expect((await userinfo(server, token)).status).toBe(200)
    for (const path of ['/oauth/userinfo', '/api/v1/me/session']) {
      const headers = { authorization: `DPoP ${token}`, dpop: proof('GET', path, token) }
      expect((await createBrowser(server.url).ask(path, { headers })).status, path).toBe(401)
    }
  })

  test('D19, D20: a key named at authorize or refresh is none of ours to keep: tokens stay the client’s alone', async () => {
    const { tokens } = await codeFlow(server, app, 'ada', { extra: { dpop_jkt: 'x'.repeat(43) } })
    expect(claimsOf(tokens.access_token)).not.toHaveProperty('cnf')
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    const dpop = proof('POST', '/oauth/token')
    // Without its secret no proof helps, and nothing is used up.
    expectTokenError(await attack(house, () => ask({ ...refresh, client_id: 'app' }, { dpop })), 'invalid_client')
    expectUnbound(await ask(refresh, { authorization: app.basic, dpop }))
  })
})

describe('no client registers itself', () => {
  const wanted = { redirect_uris: ['https://evil.example/cb'], client_name: 'Evil' }
  const places = ['/oauth/register', '/connect/register', '/oauth/register/app', '/clients-registrations']

  test('D22 reg-flood: there is no endpoint for it, and a hundred tries leave nothing', async () => {
    expect(await metadata()).not.toHaveProperty('registration_endpoint')
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(wanted) }
    const answers = await attack(house, () =>
      inTurn(
        Array.from({ length: 20 }).flatMap(() => places),
        (path) => createBrowser(server.url).ask(path, post),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]))
    const rest = await attack(house, () => createBrowser(server.url).ask('/api/v1/clients', post))
    expect(rest.status).toBe(401)
  })

  test('D23 reg-token: what a client holds reads and changes no client, itself included', async () => {
    const own = await tokenRequest(server, app, clientCredentials)
    const held = [String(own.json()['access_token']), app.secret]
    for (const token of held) {
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        const answer = await attack(house, () =>
          createBrowser(server.url).ask('/api/v1/clients/app', {
            method,
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            ...(method === 'PATCH' && { body: '{}' }),
          }),
        )
        expect([401, 403], method).toContain(answer.status)
      }
    }
  })
})
