import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import type { User } from '../../src/domain/user.ts'
import { epochOf } from '../../src/domain/epoch.ts'
import { printInstant } from '../../src/tokens/macaroon/index.ts'
import { mint } from '../../src/tokens/mint.ts'
import { createBrowser } from '../kit/browser.ts'
import { tokenRequest, userinfo } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import {
  introspectCall,
  macaroonApi,
  macaroonOf,
  makeMacaroonApi,
  narrow,
  narrowElsewhere,
  ownMacaroon,
} from '../kit/macaroons.ts'

let server: TestGatehouse
let app: MadeClient
let api: MadeClient
let ada: User

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  app = await server.makeClient({ scope: 'openid profile offline_access me read write' })
  api = await makeMacaroonApi(server)
})
afterAll(() => server.close())

const ask = (token: string, call?: Readonly<Record<string, string>>) => introspectCall(server, api, token, call)
const revoke = (token: string, client = app) =>
  createBrowser(server.url).ask('/oauth/revoke', { form: { token }, headers: { authorization: client.basic } })

describe('a resource whose format is macaroon', () => {
  test('gets macaroons by every grant, and introspection says what they say', async () => {
    const tokens = await macaroonOf(server, app, 'ada')
    expect(tokens.access_token).toMatch(/^gth_mc_[0-9a-f]{8}_[\w-]+$/)
    expect(tokens.access_token.length).toBeLessThanOrEqual(4096)
    const { iat, jti, auth_time: authTime, ...seen } = await ask(tokens.access_token)
    expect(seen).toEqual({
      active: true,
      iss: server.url,
      sub: ada.userId,
      client_id: 'app',
      aud: macaroonApi,
      scope: 'read write',
      token_type: 'Bearer',
      exp: Number(iat) + 600,
      acr: 'pwd',
      caveats: [],
    })
    expect(jti).toMatch(/^\w[\w-]+$/)
    expect(authTime).toBeTypeOf('number')

    const refreshed = await tokenRequest(server, app, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    })
    expect(await ask(String(refreshed.json()['access_token']))).toMatchObject({ active: true, sub: ada.userId })
    expect(await ask(await ownMacaroon(server, app))).toMatchObject({ active: true, sub: 'app', scope: 'read write' })
  })

  test('narrowed by its holder, it is worth what is left', async () => {
    const token = await ownMacaroon(server, app)
    const soon = server.clock.seconds() + 60
    const less = narrow(token, 'scope = read', `time < ${printInstant(soon)}`)
    expect(await ask(less)).toMatchObject({ active: true, scope: 'read', exp: soon })
    expect(await ask(narrow(token, 'aud = https://elsewhere.example'))).toEqual({ active: false })
    expect(await ask(narrow(token, 'colour = blue'))).toEqual({ active: false })
  })

  test('contextual caveats are measured by the call that the API names', async () => {
    const token = narrow(await ownMacaroon(server, app), 'method = GET', 'path = /v1/things/*', 'ip = 192.0.2.0/24')
    const call = { method: 'GET', path: '/v1/things/7', ip: '192.0.2.9' }
    expect(await ask(token, call)).toMatchObject({
      active: true,
      caveats: ['method = GET', 'path = /v1/things/*', 'ip = 192.0.2.0/24'],
    })
    expect(await ask(token, { ...call, method: 'DELETE' })).toEqual({ active: false })
    expect(await ask(token, { ...call, path: '/v1/things/../users' })).toEqual({ active: false })
    expect(await ask(token)).toEqual({ active: false })
  })

  test('a context that says anything about time, identity, audience or scope is refused', async () => {
    const token = await ownMacaroon(server, app)
    for (const wrong of ['{"time":"2001-01-01T00:00:00Z"}', '{"scope":"admin"}', '{"sub":"x"}', '[]', 'x']) {
      const answer = await createBrowser(server.url).ask('/oauth/introspect', {
        form: { token, caveat_context: wrong },
        headers: { authorization: api.basic },
      })
      expect([answer.status, answer.json()['error']], wrong).toEqual([400, 'invalid_request'])
    }
  })

  test('anybody else learns nothing of it', async () => {
    const token = await ownMacaroon(server, app)
    const stranger = await server.makeClient({ client_id: 'stranger' })
    expect(await introspectCall(server, stranger, token)).toEqual({ active: false })
  })
})

describe('the end of a macaroon', () => {
  test('RFC 7009: one is revoked by its jti, with everything that was narrowed from it, and no other', async () => {
    const [one, other] = [await ownMacaroon(server, app), await ownMacaroon(server, app)]
    const child = narrow(one, 'scope = read', 'method = GET')
    // The holder of a narrowed one may end it, though he can't meet its caveats here.
    expect((await revoke(child)).status).toBe(200)
    expect(await ask(one)).toEqual({ active: false })
    expect(await ask(child, { method: 'GET' })).toEqual({ active: false })
    expect(await ask(other)).toMatchObject({ active: true })
  })

  test('RFC 7009 §2.1: not by another client', async () => {
    const token = await ownMacaroon(server, app)
    expect((await revoke(token, api)).status).toBe(200)
    expect(await ask(token)).toMatchObject({ active: true })
  })

  test('the refresh token takes its grant’s macaroons along', async () => {
    const tokens = await macaroonOf(server, app, 'ada')
    await revoke(tokens.refresh_token)
    expect(await ask(tokens.access_token)).toEqual({ active: false })
  })

  test('a bump of the account’s epoch ends it and its children at once', async () => {
    const tokens = await macaroonOf(server, app, 'ada')
    const child = narrow(tokens.access_token, 'scope = read')
    expect(await ask(child)).toMatchObject({ active: true })
    await revokeTokens(server.core, { actor: { kind: 'cli' }, userId: ada.userId })
    expect(await ask(child)).toEqual({ active: false })
    expect(await ask(tokens.access_token)).toEqual({ active: false })
  })
})

describe('a macaroon for this server itself', () => {
  async function forUs(scope: readonly string[]): Promise<string> {
    const tokens = await macaroonOf(server, app, 'ada')
    const grantId = String((await ask(tokens.access_token))['jti']) && (await grantOf())
    const { core } = server
    const user = (await core.directory.user(ada.userId))!
    return mint(core.keys, {
      issuer: core.issuer,
      client: app.record,
      subject: ada.userId,
      scope,
      audience: [core.issuer],
      format: 'macaroon',
      ttl: 600,
      now: core.clock.seconds(),
      jti: core.random.id(core.clock.millis()),
      grantId,
      epoch: epochOf(await core.directory.instance(), user, app.record),
    }).accessToken
  }
  async function grantOf(): Promise<string> {
    const { records } = await server.core.transition.store.list('grant', ada.userId, { limit: 100 })
    return records.at(-1)!.id
  }
  const session = (token: string) =>
    createBrowser(server.url).ask('/api/v1/me/session', { headers: { authorization: `Bearer ${token}` } })

  test('opens userinfo and the REST API, which measure its caveats by the call', async () => {
    const token = await forUs(['openid', 'me'])
    expect((await userinfo(server, token)).json()).toMatchObject({ sub: ada.userId })
    expect((await session(token)).status).toBe(200)
    expect((await session(narrow(token, 'method = GET', 'path = /api/v1/me/*', 'ip = 127.0.0.0/8 ::1'))).status).toBe(
      200,
    )
    expect((await session(narrow(token, 'endpoint = whoAmI'))).status).toBe(200)
    expect((await session(narrow(token, 'method = POST'))).status).toBe(401)
    expect((await session(narrow(token, 'ip = 192.0.2.1'))).status).toBe(401)
    expect((await userinfo(server, narrow(token, 'endpoint = userinfo'))).status).toBe(200)
    expect((await userinfo(server, narrow(token, 'scope = me'))).status).toBe(403)
  })

  test('narrowed by a library that nobody here wrote, one is measured here and at introspection as by ours', async () => {
    const own = await forUs(['openid', 'me'])
    const me = async (token: string) =>
      (await createBrowser(server.url).ask('/api/v1/me', { headers: { authorization: `Bearer ${token}` } })).status
    expect(await me(narrowElsewhere(own, 'method = GET', 'path = /api/v1/me'))).toBe(200)
    expect(await me(narrowElsewhere(own, 'method = POST'))).toBe(401)
    expect(await me(narrowElsewhere(own, 'scope = openid'))).toBe(403)

    const { access_token: token } = await macaroonOf(server, app, 'ada')
    const less = narrowElsewhere(token, 'scope = read', 'method = GET')
    const seen = { active: true, sub: ada.userId, scope: 'read', caveats: ['scope = read', 'method = GET'] }
    expect(await ask(less, { method: 'GET' })).toMatchObject(seen)
    expect(await ask(less, { method: 'POST' })).toEqual({ active: false })
    expect(await ask(narrowElsewhere(token, 'colour = blue'))).toEqual({ active: false })
  })

  test('one for an API opens neither', async () => {
    const { access_token: token } = await macaroonOf(server, app, 'ada')
    expect((await userinfo(server, token)).status).toBe(401)
    expect((await session(token)).status).toBe(401)
  })
})
