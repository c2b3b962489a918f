import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import {
  authorize,
  authorizeUrl,
  claimsOf,
  codeFlow,
  introspect,
  tokenRequest,
  userinfo,
  verifier,
} from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let app: MadeClient

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { email: 'ada@example.org' })
  app = await server.makeClient()
})
afterAll(() => server.close())

describe('the code flow', () => {
  test('RFC 6749 §4.1: a person signs in and consents, the client gets tokens, a resource asks about them', async () => {
    const { tokens } = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile email offline_access' } })
    expect(tokens).toMatchObject({
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'openid profile email offline_access',
    })
    const info = await userinfo(server, tokens.access_token)
    expect(info.json()).toMatchObject({ preferred_username: 'ada', email: 'ada@example.org', email_verified: false })
    const seen = await introspect(server, app, tokens.access_token)
    expect(seen).toMatchObject({ active: true, client_id: 'app', aud: server.url, sub: info.json()['sub'] })
  })

  test('OIDC Core §2: the ID token carries nonce, at_hash, auth_time, acr, amr and sid', async () => {
    const { tokens } = await codeFlow(server, app, 'ada')
    const claims = claimsOf(tokens.id_token)
    expect(claims).toMatchObject({ iss: server.url, aud: 'app', nonce: 'a nonce', acr: 'pwd', amr: ['pwd'] })
    expect(claims).toHaveProperty('at_hash')
    expect(claims).toHaveProperty('sid')
    expect(claims).toHaveProperty('auth_time')
  })

  test('RFC 9207 §2: the response names the issuer and echoes the state', async () => {
    const back = await authorize(server, createBrowser(server.url), authorizeUrl(app), 'ada')
    expect(back.searchParams.get('iss')).toBe(server.url)
    expect(back.searchParams.get('state')).toBe('a state')
  })

  test('a second request of the same browser needs no page: session and consent are remembered', async () => {
    const { browser } = await codeFlow(server, app, 'ada')
    const answer = await browser.ask(authorizeUrl(app))
    expect(answer.status).toBe(303)
    expect(answer.location).toContain('https://app.example/cb?code=gth_ac_')
  })

  test('RFC 6749 §6: refresh rotates, and each answer is no-store', async () => {
    const { tokens } = await codeFlow(server, app, 'ada')
    const answer = await tokenRequest(server, app, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.json()['refresh_token']).not.toBe(tokens.refresh_token)
    expect(answer.json()).toHaveProperty('id_token')
  })

  test('RFC 6749 §4.1.2: a replayed code revokes what it made', async () => {
    const { tokens, code } = await codeFlow(server, app, 'ada')
    const replay = await tokenRequest(server, app, { grant_type: 'authorization_code', code, code_verifier: verifier })
    expect(replay.json()).toMatchObject({ error: 'invalid_grant' })
    expect((await userinfo(server, tokens.access_token)).status).toBe(401)
    expect(await introspect(server, app, tokens.access_token)).toEqual({ active: false })
    const refresh = await tokenRequest(server, app, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    })
    expect(refresh.json()).toMatchObject({ error: 'invalid_grant' })
  })

  test('OAuth 2.0 Form Post Response Mode: the code comes in a form', async () => {
    const { browser } = await codeFlow(server, app, 'ada')
    const page = await browser.ask(authorizeUrl(app, { response_mode: 'form_post' }))
    expect(page.status).toBe(200)
    expect(page.text).toContain('action="https://app.example/cb"')
    expect(page.text).toMatch(/name="code" value="gth_ac_/)
  })
})
