import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { changeClient } from '../../src/accounts/change-client.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { deleteUser } from '../../src/accounts/delete-user.ts'
import { revokeEverything } from '../../src/accounts/revoke-tokens.ts'
import type { User } from '../../src/domain/user.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow, introspect, tokenRequest, userinfo, type Tokens } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { attack, eventsOf, expectTokenError, type House } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let other: MadeClient
let spa: MadeClient
let api: MadeClient
let house: House
let ada: User
let ever: Awaited<ReturnType<typeof codeFlow>>['browser']
const cli = { kind: 'cli' } as const

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  await server.makeResource({
    resource: 'https://api.example',
    scope: 'read write',
    access_token: { format: 'opaque' },
    introspection_clients: ['api'],
  })
  await server.makeResource({ resource: 'https://other.example', scope: 'read', introspection_clients: ['other'] })
  app = await server.makeClient()
  other = await server.makeClient({ client_id: 'other' })
  api = await server.makeClient({ client_id: 'api', scope: 'introspect' })
  spa = await server.makeClient({
    client_id: 'spa',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  })
  ever = (await codeFlow(server, app, 'ada')).browser
  house = { server, app, secrets: [app.secret, other.secret, password] }
})
afterAll(() => server.close())

/** Tokens of a new grant. The browser stays signed in as long as nothing has revoked its session. */
async function fresh(client = app, extra = {}): Promise<Tokens> {
  const flow = await codeFlow(server, client, 'ada', { browser: ever, extra })
  return flow.tokens
}

function refresh(token: string, client: MadeClient | 'nobody' = app, extra = {}): Promise<Answer> {
  return tokenRequest(server, client === 'nobody' ? undefined : client, {
    grant_type: 'refresh_token',
    refresh_token: token,
    ...extra,
  })
}

function revoke(token: string, client: MadeClient = app, extra = {}): Promise<Answer> {
  return createBrowser(server.url).ask('/oauth/revoke', {
    form: { token, ...extra },
    headers: { authorization: client.basic },
  })
}

async function reasons(): Promise<readonly unknown[]> {
  return (await eventsOf(server)).map(({ reason }) => reason)
}

describe('family C: refresh, access, introspection, revocation', () => {
  test('C01 replay: a refresh token outside the grace kills its family', async () => {
    const { refresh_token } = await fresh()
    const second = (await refresh(refresh_token)).json() as Tokens
    server.clock.advance(11)
    expectTokenError(await attack(house, () => refresh(refresh_token), { writes: ['grant', 'event'] }), 'invalid_grant')
    expectTokenError(await attack(house, () => refresh(second.refresh_token)), 'invalid_grant')
    expect((await userinfo(server, second.access_token)).status).toBe(401)
    expect(await reasons()).toContain('refresh_reuse')
  })

  test('C02 race: 50 parallel refreshes give one successor', async () => {
    const { refresh_token } = await fresh()
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refresh_token)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(new Set(answers.map((answer) => answer.json()['refresh_token'])).size).toBe(1)
  })

  test('C03 grace-abuse: the grace covers the immediate predecessor alone, and ends when the successor is used', async () => {
    const { refresh_token } = await fresh()
    const second = (await refresh(refresh_token)).json() as Tokens
    await refresh(second.refresh_token)
    expectTokenError(await attack(house, () => refresh(refresh_token), { writes: ['grant', 'event'] }), 'invalid_grant')
  })

  test('C01: guesses at refresh tokens are counted, then answered 429', async () => {
    onTestFinished(server.clock.stand())
    const { refresh_token } = await fresh()
    const guess = (index: number) => `${refresh_token.slice(0, -6)}${String(index).padStart(6, 'A')}`
    const statuses: number[] = []
    for (let index = 0; index < 302; index += 1) statuses.push((await refresh(guess(index))).status)
    expect([new Set(statuses.slice(0, 300)), statuses.at(-1)]).toEqual([new Set([400]), 429])
    expect((await refresh(refresh_token)).status).toBe(429)
    server.clock.advance(3600)
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  test('C06 revoke-vs-rotate: whichever comes first, every descendant is dead', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { refresh_token } = await fresh()
      const [rotated] = await Promise.all([refresh(refresh_token), revoke(refresh_token)])
      const last = rotated.status === 200 ? (rotated.json() as Tokens) : undefined
      expectTokenError(await refresh(last?.refresh_token ?? refresh_token), 'invalid_grant')
      if (last !== undefined) expect((await userinfo(server, last.access_token)).status).toBe(401)
    }
  })

  test('C07 scope-up: more scope is refused and the token is not consumed', async () => {
    const { refresh_token } = await fresh()
    expectTokenError(await attack(house, () => refresh(refresh_token, app, { scope: 'openid admin' })), 'invalid_scope')
    server.clock.advance(20)
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  test('C08 audience-up: a resource outside the grant is refused before anything changes', async () => {
    const { refresh_token } = await fresh(app, { scope: 'openid read', resource: 'https://api.example' })
    expectTokenError(
      await attack(house, () => refresh(refresh_token, app, { resource: 'https://other.example' })),
      'invalid_target',
    )
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  test('C09 other-client: refused and recorded; the family lives', async () => {
    const { refresh_token } = await fresh()
    expectTokenError(await attack(house, () => refresh(refresh_token, other), { writes: ['event'] }), 'invalid_grant')
    expect(await reasons()).toContain('refresh_of_other_client')
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  test('C10 no-auth: a confidential client without its secret', async () => {
    const { refresh_token } = await fresh()
    expectTokenError(await attack(house, () => refresh(refresh_token, 'nobody')), 'invalid_client')
    expectTokenError(
      await attack(house, () => refresh(refresh_token, 'nobody', { client_id: 'app' })),
      'invalid_client',
    )
  })

  describe('C11 state-change', () => {
    beforeEach(async () => {
      ever = (await codeFlow(server, app, 'ada')).browser
    })
    const changes: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
      [
        'the user is locked',
        () => patchUser(server.core, { actor: cli, userId: ada.userId, patch: { locked: true } }),
        () => patchUser(server.core, { actor: cli, userId: ada.userId, patch: { locked: false } }),
      ],
      [
        'the password was changed',
        () =>
          patchUser(
            { ...server.core, strength: async () => undefined },
            { actor: cli, userId: ada.userId, patch: { password } },
          ),
        async () => undefined,
      ],
      [
        'a scope was taken from the client',
        () => changeClient(server.core, { actor: cli, clientId: 'app', fields: { scope: 'openid read' } }),
        () =>
          changeClient(server.core, {
            actor: cli,
            clientId: 'app',
            fields: { scope: 'openid profile email offline_access read write' },
          }),
      ],
      ['everybody was revoked', () => revokeEverything(server.core, cli), async () => undefined],
    ]
    test.each(changes)('%s', async (_, change, back) => {
      const { refresh_token, access_token } = await fresh()
      await change()
      try {
        expect((await refresh(refresh_token)).json()).toMatchObject({ error: 'invalid_grant' })
        expect((await userinfo(server, access_token)).status).toBe(401)
      } finally {
        await back()
      }
    })
  })

  test('C12 immortal: daily refreshes end at the absolute lifetime', async () => {
    ever = (await codeFlow(server, app, 'ada')).browser
    let { refresh_token } = await fresh()
    for (let days = 0; days < 364; days += 28) {
      server.clock.advance(28 * 86_400)
      const answer = await refresh(refresh_token)
      if (days + 28 >= 365) expectTokenError(answer, 'invalid_grant')
      else refresh_token = (answer.json() as Tokens).refresh_token
    }
    server.clock.advance(2 * 86_400)
    expectTokenError(await refresh(refresh_token), 'invalid_grant')
    ever = (await codeFlow(server, app, 'ada')).browser
  })

  test('C13 type-swap: nothing minted for one purpose opens another door', async () => {
    const flow = await codeFlow(server, app, 'ada', { browser: ever })
    const { tokens } = flow
    const cookie = flow.browser.cookies.get('gatehouse-session') ?? ''
    for (const text of [tokens.id_token, tokens.refresh_token, flow.code, cookie, app.secret]) {
      expect((await userinfo(server, text)).status, text.slice(0, 12)).toBe(401)
      expect(await introspect(server, app, text)).toEqual({ active: false })
    }
    for (const text of [tokens.id_token, tokens.access_token, flow.code, cookie]) {
      expectTokenError(await refresh(text), 'invalid_grant')
    }
    for (const text of [tokens.id_token, tokens.access_token, tokens.refresh_token, cookie]) {
      const form = { grant_type: 'authorization_code', code: text, code_verifier: 'x'.repeat(43) }
      expectTokenError(await tokenRequest(server, app, form), 'invalid_grant')
    }
    const session = createBrowser(server.url)
    for (const text of [tokens.id_token, tokens.access_token, tokens.refresh_token, flow.code]) {
      session.cookies.set('gatehouse-session', text)
      expect((await session.ask('/account')).location).toBe('/signin')
    }
  })

  test('C14 audience: a token for one API is nothing at another, nor at userinfo', async () => {
    const { access_token } = await fresh(app, { scope: 'openid read', resource: 'https://api.example' })
    expect(access_token).toMatch(/^gth_at_/)
    expect(await introspect(server, api, access_token)).toMatchObject({
      active: true,
      aud: 'https://api.example',
      scope: 'read',
    })
    expect(await introspect(server, other, access_token)).toEqual({ active: false })
    expect((await userinfo(server, access_token)).status).toBe(401)
  })

  test('C15 scan: without authentication 401; foreign and unknown tokens look alike', async () => {
    const { access_token } = await fresh()
    const ask = (token: string, headers: Record<string, string>) =>
      createBrowser(server.url).ask('/oauth/introspect', { form: { token }, headers })
    expectTokenError(await attack(house, () => ask(access_token, {})), 'invalid_client')
    const publicly = await createBrowser(server.url).ask('/oauth/introspect', {
      form: { token: access_token, client_id: 'spa' },
    })
    expectTokenError(publicly, 'invalid_client')
    const foreign = await attack(house, () => ask(access_token, { authorization: other.basic }))
    const unknown = await attack(house, () => ask('gth_at_00000000_xxxx', { authorization: other.basic }))
    expect(foreign.text).toBe('{"active":false}')
    expect(unknown.text).toBe(foreign.text)
    expect([...unknown.headers].filter(([name]) => name !== 'date')).toEqual(
      [...foreign.headers].filter(([name]) => name !== 'date'),
    )
    // The reserved scope opens tokens of this server to a client that an administrator gave it.
    expect(await introspect(server, api, access_token)).toMatchObject({ active: true })
  })

  test('C16 policy-combo: every one of the three epochs is honoured by itself, everywhere', async () => {
    const { access_token, refresh_token } = await fresh(spa)
    await changeClient(server.core, {
      actor: cli,
      clientId: 'spa',
      fields: { redirect_uris: ['https://spa.example/cb'] },
    })
    expect((await userinfo(server, access_token)).status).toBe(401)
    expect(await introspect(server, api, access_token)).toEqual({ active: false })
    expectTokenError(await refresh(refresh_token, spa), 'invalid_grant')
    await changeClient(server.core, {
      actor: cli,
      clientId: 'spa',
      fields: { redirect_uris: ['https://app.example/cb'] },
    })
  })

  test('C17 foreign-revoke: another client cannot kill a token; the attempt is recorded', async () => {
    const { access_token, refresh_token } = await fresh()
    for (const token of [access_token, refresh_token]) {
      const answer = await attack(house, () => revoke(token, other), { writes: ['event'] })
      expect(answer.status).toBe(200)
    }
    expect((await userinfo(server, access_token)).status).toBe(200)
    expect((await refresh(refresh_token)).status).toBe(200)
    expect(await reasons()).toContain('token_foreign')
  })

  test('C18 cascade: a revoked refresh token takes its access tokens along; a revoked access token goes alone', async () => {
    const { access_token, refresh_token } = await fresh()
    expect((await revoke(refresh_token)).status).toBe(200)
    expect((await userinfo(server, access_token)).status).toBe(401)
    const second = await fresh()
    expect((await revoke(second.access_token)).status).toBe(200)
    expect((await userinfo(server, second.access_token)).status).toBe(401)
    expect((await refresh(second.refresh_token)).status).toBe(200)
  })

  test('C19 swallowed: a store that is down during revocation is a 503 with Retry-After, never a 200', async () => {
    const { refresh_token, access_token } = await fresh()
    const { store } = server.core.transition
    const commit = store.commit
    Object.assign(store, { commit: () => Promise.reject(new StoreUnavailable('down', 'none')) })
    try {
      const answer = await revoke(refresh_token)
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      // C28: nothing was minted either.
      const denied = await refresh(refresh_token)
      expect(denied.status).toBe(503)
      expect(denied.text).not.toMatch(/gth_|eyJ[\w-]+\./)
    } finally {
      Object.assign(store, { commit })
    }
    expect((await userinfo(server, access_token)).status).toBe(200)
    expect((await refresh(refresh_token)).status).toBe(200)
  })

  test('C20 fake-200: a revoked JWT is truly dead', async () => {
    const answer = await tokenRequest(server, app, { grant_type: 'client_credentials', scope: 'read' })
    const { access_token } = answer.json() as Tokens
    expect(await introspect(server, app, access_token)).toMatchObject({ active: true })
    await revoke(access_token)
    expect(await introspect(server, app, access_token)).toEqual({ active: false })
  })

  test('C21 query-token: never from the query, never twice', async () => {
    const { access_token } = await fresh()
    const browser = createBrowser(server.url)
    expect((await browser.ask(`/oauth/userinfo?access_token=${access_token}`)).status).toBe(401)
    const twice = await browser.ask('/oauth/userinfo', {
      form: { access_token },
      headers: { authorization: `Bearer ${access_token}` },
    })
    expect(twice.status).toBe(400)
    expect((await browser.ask('/oauth/userinfo', { form: { access_token } })).status).toBe(200)
  })

  test.each([
    'Bearer\tx',
    'Bearer  x',
    'Bearer x, Bearer y',
    'Bearer',
    'bearer',
    'Bearer x y',
    'Basic eDp5',
    'Bearer é',
  ])('C22 lax-bearer: %j', async (authorization) => {
    const { access_token } = await fresh()
    const answer = await attack(house, () =>
      createBrowser(server.url).ask('/oauth/userinfo', {
        headers: {
          authorization: encodeURI(authorization)
            .replaceAll('%20', ' ')
            .replaceAll('%09', '\t')
            .replace('x', access_token),
        },
      }),
    )
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  test('C24 unlisted-scope: client credentials for a scope that the client does not have', async () => {
    const form = { grant_type: 'client_credentials', scope: 'read admin' }
    expectTokenError(await attack(house, () => tokenRequest(server, app, form)), 'invalid_scope')
    // A person's scopes are nothing for a client on its own.
    expectTokenError(
      await attack(house, () => tokenRequest(server, app, { ...form, scope: 'openid' })),
      'invalid_scope',
    )
  })

  test('C27 assertion-grant: nobody’s assertion is a grant here', async () => {
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'eyJhbGciOiJub25lIn0.e30.' }
    expectTokenError(await attack(house, () => tokenRequest(server, app, form)), 'unsupported_grant_type')
  })

  test('C25 password-grant: refused without the switch; with it, throttled as sign-in is', async () => {
    onTestFinished(server.clock.stand())
    const form = { grant_type: 'password', username: 'bob', password: 'wrong password' }
    expectTokenError(await attack(house, () => tokenRequest(server, app, form)), 'unauthorized_client')
    const legacy = await server.makeClient({ client_id: 'legacy', legacy: ['password'], grant_types: ['password'] })
    await server.makeUser('bob')
    const statuses: number[] = []
    for (let tries = 0; tries < 12; tries += 1) statuses.push((await tokenRequest(server, legacy, form)).status)
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 400))
    expect(statuses.slice(10)).toEqual([429, 429])
    // The right password waits too: otherwise the limit would only slow wrong guesses down.
    expect((await tokenRequest(server, legacy, { ...form, password })).status).toBe(429)
    server.clock.advance(3600)
    expect((await tokenRequest(server, legacy, { ...form, password })).status).toBe(200)
  })

  test('C29 ghost-user: a deleted account leaves nothing that works', async () => {
    const eve = await server.makeUser('eve')
    const flow = await codeFlow(server, app, 'eve')
    await deleteUser(server.core, { actor: cli, userId: eve.userId })
    expect((await userinfo(server, flow.tokens.access_token)).status).toBe(401)
    expect(await introspect(server, app, flow.tokens.access_token)).toEqual({ active: false })
    expectTokenError(await refresh(flow.tokens.refresh_token), 'invalid_grant')
    expect((await flow.browser.ask('/account')).location).toBe('/signin')
  })

  test('C31 hint-confusion: a wrong hint changes nothing', async () => {
    const { access_token, refresh_token } = await fresh()
    await revoke(access_token, app, { token_type_hint: 'refresh_token' })
    expect((await userinfo(server, access_token)).status).toBe(401)
    await revoke(refresh_token, app, { token_type_hint: 'access_token' })
    expectTokenError(await refresh(refresh_token), 'invalid_grant')
  })
})
