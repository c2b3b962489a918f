import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { authorize } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { keyPair } from './key-pair.ts'

const callback = 'https://app.example/cb'
const goodbye = 'https://app.example/bye'
const api = 'https://api.example'
/** The issuer of these tests is http on loopback, which the library wants said at every call. */
const insecure = { [oauth.allowInsecureRequests]: true }

let server: TestGatehouse

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { email: 'ada@example.org' })
  await server.makeResource({ resource: api, scope: 'read write' })
})
afterAll(() => server.close())

async function discover(algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(server.url)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }))
}

type Party = {
  readonly as: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly proof: oauth.ClientAuth
}

async function signIn({ as, client, proof }: Party, extra: Readonly<Record<string, string>> = {}) {
  const browser = createBrowser(server.url)
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const url = new URL(as.authorization_endpoint ?? '')
  const parameters = {
    client_id: client.client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid email offline_access',
    state,
    nonce,
    max_age: '3600',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...extra,
  }
  url.search = new URLSearchParams(parameters).toString()
  const back = await authorize(server, browser, url.href, 'ada')
  // RFC 9207: the library refuses an answer without `iss`, since the metadata promise it.
  const answer = oauth.validateAuthResponse(as, client, back, state)
  const response = await oauth.authorizationCodeGrantRequest(as, client, proof, answer, callback, verifier, insecure)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    maxAge: 3600,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, response, insecure)
  return { tokens, browser }
}

describe('oauth4webapi 3', () => {
  test('OIDC Discovery and RFC 8414 say the same', async () => {
    expect(await discover('oauth2')).toEqual(await discover('oidc'))
  })

  test('client_secret_basic: code, userinfo, refresh, introspection, revocation, sign-out', async () => {
    const made = await server.makeClient({
      client_id: 'basic',
      redirect_uris: [callback],
      post_logout_redirect_uris: [goodbye],
      grant_types: ['authorization_code', 'refresh_token'],
    })
    const as = await discover('oidc')
    const client = { client_id: 'basic' }
    const proof = oauth.ClientSecretBasic(made.secret)
    const { tokens, browser } = await signIn({ as, client, proof })
    const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? ''

    const asked = await oauth.userInfoRequest(as, client, tokens.access_token, insecure)
    expect(await oauth.processUserInfoResponse(as, client, subject, asked)).toMatchObject({ email: 'ada@example.org' })

    const refresh = await oauth.refreshTokenGrantRequest(as, client, proof, tokens.refresh_token ?? '', insecure)
    const fresh = await oauth.processRefreshTokenResponse(as, client, refresh)
    expect(oauth.getValidatedIdTokenClaims(fresh)?.sub).toBe(subject)
    expect(fresh.refresh_token).not.toBe(tokens.refresh_token)

    const introspect = async (token: string) => {
      const response = await oauth.introspectionRequest(as, client, proof, token, insecure)
      return oauth.processIntrospectionResponse(as, client, response)
    }
    expect(await introspect(fresh.access_token)).toMatchObject({ active: true, sub: subject })
    const revoked = await oauth.revocationRequest(as, client, proof, fresh.access_token, insecure)
    await oauth.processRevocationResponse(revoked)
    expect(await introspect(fresh.access_token)).toEqual({ active: false })

    const away = new URL(as.end_session_endpoint ?? '')
    away.searchParams.set('id_token_hint', fresh.id_token ?? '')
    away.searchParams.set('post_logout_redirect_uri', goodbye)
    expect((await browser.ask(away.href)).location).toBe(goodbye)
  })

  test.each(['ES256', 'PS256', 'EdDSA'] as const)('private_key_jwt with %s, at every endpoint', async (algorithm) => {
    const { privateKey, publicJwk } = await keyPair(algorithm)
    await server.makeClient({
      client_id: `key-${algorithm}`,
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [publicJwk] },
    })
    const as = await discover('oauth2')
    const client = { client_id: `key-${algorithm}` }
    const proof = oauth.PrivateKeyJwt(privateKey)
    const { tokens } = await signIn({ as, client, proof })
    const refresh = await oauth.refreshTokenGrantRequest(as, client, proof, tokens.refresh_token ?? '', insecure)
    expect(await oauth.processRefreshTokenResponse(as, client, refresh)).toHaveProperty('access_token')
    const revoked = await oauth.revocationRequest(as, client, proof, tokens.refresh_token ?? '', insecure)
    await oauth.processRevocationResponse(revoked)
    const asked = await oauth.introspectionRequest(as, client, proof, tokens.access_token, insecure)
    expect(await oauth.processIntrospectionResponse(as, client, asked)).toEqual({ active: false })
  })

  test('client_secret_jwt, at every endpoint: the secret itself is never sent', async () => {
    const made = await server.makeClient({
      client_id: 'mac-jwt',
      redirect_uris: [callback],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      token_endpoint_auth_method: 'client_secret_jwt',
    })
    const as = await discover('oauth2')
    const client = { client_id: 'mac-jwt' }
    const proof = oauth.ClientSecretJwt(made.secret)
    const { tokens } = await signIn({ as, client, proof })
    const refresh = await oauth.refreshTokenGrantRequest(as, client, proof, tokens.refresh_token ?? '', insecure)
    expect(await oauth.processRefreshTokenResponse(as, client, refresh)).toHaveProperty('access_token')
    const revoked = await oauth.revocationRequest(as, client, proof, tokens.refresh_token ?? '', insecure)
    await oauth.processRevocationResponse(revoked)
    const asked = await oauth.introspectionRequest(as, client, proof, tokens.access_token, insecure)
    expect(await oauth.processIntrospectionResponse(as, client, asked)).toEqual({ active: false })
  })

  test('client_secret_post: client credentials for an API, verified there as RFC 9068 says', async () => {
    const made = await server.makeClient({
      client_id: 'robot',
      redirect_uris: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'read write',
      resources: [api],
    })
    const as = await discover('oauth2')
    const client = { client_id: 'robot' }
    const proof = oauth.ClientSecretPost(made.secret)
    const wish = { scope: 'read', resource: api }
    const response = await oauth.clientCredentialsGrantRequest(as, client, proof, wish, insecure)
    const { access_token } = await oauth.processClientCredentialsResponse(as, client, response)
    const request = new Request(`${api}/notes`, { headers: { authorization: `Bearer ${access_token}` } })
    expect(await oauth.validateJwtAccessToken(as, request, api, insecure)).toMatchObject({
      iss: server.url,
      sub: 'robot',
      client_id: 'robot',
      scope: 'read',
    })
    // RFC 8707 §2: good for nobody else.
    await expect(oauth.validateJwtAccessToken(as, request, 'https://other.example', insecure)).rejects.toThrow('aud')
  })

  test('a refusal reaches the application', async () => {
    await server.makeClient({
      client_id: 'refused',
      redirect_uris: [callback],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'none',
    })
    const party = { as: await discover('oidc'), client: { client_id: 'refused' }, proof: oauth.None() }
    await expect(signIn(party, { prompt: 'none', scope: 'openid' })).rejects.toMatchObject({
      name: 'AuthorizationResponseError',
      error: 'login_required',
    })
  })
})
