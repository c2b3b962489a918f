import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser, readForm } from '../kit/browser.ts'
import { authorize, follow, submit } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { keyPair } from './key-pair.ts'

const callback = 'https://app.example/cb'
const goodbye = 'https://app.example/bye'
const ordinary = {
  redirect_uris: [callback],
  post_logout_redirect_uris: [goodbye],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
}

let server: TestGatehouse

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { email: 'ada@example.org' })
  await server.makeResource({ resource: 'https://api.example', scope: 'read write' })
})
afterAll(() => server.close())

/** A client as openid-client sees it. The issuer of these tests is http on loopback, which the library wants said. */
async function discover(clientId: string, authentication: openid.ClientAuth, algorithm?: string) {
  const metadata = algorithm === undefined ? {} : { id_token_signed_response_alg: algorithm }
  return openid.discovery(new URL(server.url), clientId, metadata, authentication, {
    execute: [openid.allowInsecureRequests],
  })
}

/** Code flow by openid-client, the person on our pages. */
async function signIn(config: openid.Configuration, extra: Record<string, string> = {}) {
  const browser = createBrowser(server.url)
  const checks = {
    pkceCodeVerifier: openid.randomPKCECodeVerifier(),
    expectedState: openid.randomState(),
    expectedNonce: openid.randomNonce(),
    idTokenExpected: true,
  }
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid profile email offline_access',
    code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...extra,
  })
  const tokens = await openid.authorizationCodeGrant(config, await authorize(server, browser, url.href, 'ada'), checks)
  return { tokens, browser }
}

describe('openid-client 6', () => {
  test('client_secret_basic: code, userinfo, refresh, introspection, revocation, sign-out', async () => {
    const client = await server.makeClient({ client_id: 'basic', ...ordinary })
    const config = await discover('basic', openid.ClientSecretBasic(client.secret))
    // OIDC Core §10: the library fetches our keys and checks what it otherwise takes from TLS on trust.
    openid.enableNonRepudiationChecks(config)
    const { tokens, browser } = await signIn(config)
    const claims = tokens.claims()
    expect(claims).toMatchObject({ iss: server.url, aud: 'basic', acr: 'pwd', amr: ['pwd'] })
    expect(tokens.expiresIn()).toBeGreaterThan(890)

    const subject = claims?.sub ?? ''
    expect(await openid.fetchUserInfo(config, tokens.access_token, subject)).toMatchObject({
      sub: subject,
      preferred_username: 'ada',
      email: 'ada@example.org',
    })

    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(refreshed.access_token).not.toBe(tokens.access_token)
    expect(refreshed.claims()).toMatchObject({ sub: subject, auth_time: claims?.auth_time })

    expect(await openid.tokenIntrospection(config, refreshed.access_token)).toMatchObject({
      active: true,
      client_id: 'basic',
      sub: subject,
    })
    await openid.tokenRevocation(config, refreshed.refresh_token ?? '')
    expect(await openid.tokenIntrospection(config, refreshed.access_token)).toEqual({ active: false })
    await expect(openid.refreshTokenGrant(config, refreshed.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })

    const away = openid.buildEndSessionUrl(config, {
      id_token_hint: refreshed.id_token ?? '',
      post_logout_redirect_uri: goodbye,
      state: 'so long',
    })
    expect((await browser.ask(away.href)).location).toBe(`${goodbye}?state=so%20long`)
    expect((await browser.ask('/account')).location).toContain('/signin')
  })

  test('client_secret_post', async () => {
    const client = await server.makeClient({
      client_id: 'post',
      ...ordinary,
      token_endpoint_auth_method: 'client_secret_post',
    })
    const config = await discover('post', openid.ClientSecretPost(client.secret))
    const { tokens } = await signIn(config)
    expect(await openid.refreshTokenGrant(config, tokens.refresh_token ?? '')).toHaveProperty('refresh_token')
    expect(await openid.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true })
  })

  test.each(['ES256', 'PS256', 'EdDSA'] as const)('private_key_jwt with %s', async (algorithm) => {
    const { privateKey, publicJwk } = await keyPair(algorithm)
    await server.makeClient({
      client_id: `key-${algorithm}`,
      ...ordinary,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [publicJwk] },
    })
    const config = await discover(`key-${algorithm}`, openid.PrivateKeyJwt(privateKey))
    const { tokens } = await signIn(config)
    await openid.tokenRevocation(config, tokens.access_token)
    expect(await openid.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
    expect(await openid.clientCredentialsGrant(config)).toHaveProperty('access_token')
  })

  test('a public client proves itself by PKCE alone', async () => {
    await server.makeClient({
      client_id: 'public',
      ...ordinary,
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    })
    const config = await discover('public', openid.None())
    const { tokens } = await signIn(config)
    expect(await openid.refreshTokenGrant(config, tokens.refresh_token ?? '')).toHaveProperty('access_token')
    await openid.tokenRevocation(config, tokens.access_token)
  })

  test.each(['ES256', 'EdDSA'])('ID tokens signed with %s', async (algorithm) => {
    const client = await server.makeClient({
      client_id: `id-${algorithm}`,
      ...ordinary,
      id_token_signed_response_alg: algorithm,
    })
    const config = await discover(`id-${algorithm}`, openid.ClientSecretBasic(client.secret), algorithm)
    openid.enableNonRepudiationChecks(config)
    expect((await signIn(config)).tokens.claims()).toMatchObject({ aud: `id-${algorithm}` })
  })

  test('OAuth 2.0 Form Post Response Mode: the library reads what the page posts', async () => {
    const client = await server.makeClient({ client_id: 'form-post', ...ordinary })
    const config = await discover('form-post', openid.ClientSecretBasic(client.secret))
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      response_mode: 'form_post',
      scope: 'openid',
      state: 'a state',
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const browser = createBrowser(server.url)
    let page = await follow(server, browser, await browser.ask(url.href))
    page = await follow(server, browser, await submit(browser, page, 'sign-in', { username: 'ada', password }))
    page = await follow(server, browser, await submit(browser, page, 'consent', { decision: 'allow' }))
    const form = readForm(page.text, 'form-post')
    const posted = new Request(form.action, {
      method: 'POST',
      body: new URLSearchParams(form.fields as Record<string, string>),
    })
    const tokens = await openid.authorizationCodeGrant(config, posted, {
      pkceCodeVerifier,
      expectedState: 'a state',
    })
    expect(tokens.claims()).toMatchObject({ aud: 'form-post' })
  })

  test('RFC 8707: a token for an API, narrowed by the next refresh; client credentials for the same API', async () => {
    const client = await server.makeClient({
      client_id: 'api-user',
      ...ordinary,
      scope: 'openid offline_access read write',
      resources: ['https://api.example'],
    })
    const config = await discover('api-user', openid.ClientSecretBasic(client.secret))
    const { tokens } = await signIn(config, {
      scope: 'openid offline_access read write',
      resource: 'https://api.example',
    })
    expect(tokens.scope).toBe('read write')
    const narrowed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', {
      scope: 'read',
      resource: 'https://api.example',
    })
    expect(await openid.tokenIntrospection(config, narrowed.access_token)).toMatchObject({
      aud: 'https://api.example',
      scope: 'read',
    })
    const own = await openid.clientCredentialsGrant(config, { scope: 'write', resource: 'https://api.example' })
    expect(await openid.tokenIntrospection(config, own.access_token)).toMatchObject({
      sub: 'api-user',
      aud: 'https://api.example',
      scope: 'write',
    })
  })

  test('a refusal reaches the application as an error of the library', async () => {
    const client = await server.makeClient({ client_id: 'refused', ...ordinary })
    const config = await discover('refused', openid.ClientSecretBasic(client.secret))
    await expect(signIn(config, { prompt: 'none' })).rejects.toMatchObject({
      name: 'AuthorizationResponseError',
      error: 'login_required',
    })
    const stranger = await discover('refused', openid.ClientSecretBasic('gth_cs_wrong'))
    await expect(openid.clientCredentialsGrant(stranger)).rejects.toMatchObject({
      name: 'WWWAuthenticateChallengeError',
      status: 401,
    })
  })
})
