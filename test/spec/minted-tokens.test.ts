import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeClient } from '../../src/accounts/change-client.ts'
import { createUser } from '../../src/accounts/create-user.ts'
import { mintedClientId } from '../../src/accounts/minted-client.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { announce } from '../../src/domain/change.ts'
import type { MintRequest } from '../../src/domain/mint-request.ts'
import { put, ref } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'
import { transition } from '../../src/store/transition.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow, tokenRequest, userinfo } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { curiousApi, introspectCall, macaroonApi, makeCuriousApi, makeMacaroonApi, narrow } from '../kit/macaroons.ts'

let server: TestGatehouse
let api: MadeClient
let desk: MadeClient
let ada: User
let boss: User
let root: User
const cli = { kind: 'cli' } as const

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  boss = await server.makeUser('boss', { role: 'admin' })
  root = await server.makeUser('root', { role: 'superuser' })
  api = await makeMacaroonApi(server)
  await makeCuriousApi(server)
  desk = await server.makeClient({ client_id: 'desk', scope: 'openid admin' })
})
afterAll(() => server.close())

async function minted(user: User, wanted: MintRequest): Promise<string> {
  const made = await mintToken(server.core, { actor: cli, userId: user.userId }, wanted)
  if ('refused' in made) throw new Error(made.refused.detail)
  return made.done.token
}
function call(token: string, path: string, method = 'GET', body?: unknown): Promise<Answer> {
  return createBrowser(server.url).ask(path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}
/** An administrator's token of a sign-in a moment ago. */
async function signedIn(username: string): Promise<string> {
  return (await codeFlow(server, desk, username, { extra: { scope: 'openid admin' } })).tokens.access_token
}
const me = async (token: string) => (await call(token, '/api/v1/me/session')).status

describe.each(['jwt', 'opaque', 'macaroon'] as const)('a minted %s', (format) => {
  test('speaks for its account without a sign-in, is listed, and ends with its grant', async () => {
    const token = await minted(ada, { format, name: 'a script' })
    expect(await me(token)).toBe(200)
    expect((await userinfo(server, token)).json()).toMatchObject({ sub: ada.userId })
    const grants = (await call(token, '/api/v1/me/grants')).json()['items'] as {
      grant_id: string
      device_name: string
    }[]
    const own = grants.find(({ device_name: name }) => name === 'a script')!
    expect(own).toMatchObject({ client_id: mintedClientId })
    expect((await call(token, `/api/v1/me/grants/${own.grant_id}`, 'DELETE')).status).toBe(204)
    expect(await me(token)).toBe(401)
  })

  test('ends with a bump, and with a lock', async () => {
    const token = await minted(ada, { format })
    await revokeTokens(server.core, { actor: cli, userId: ada.userId })
    expect(await me(token)).toBe(401)
    const next = await minted(ada, { format })
    const accounts = { ...server.core, strength: async () => undefined }
    await patchUser(accounts, { actor: cli, userId: ada.userId, patch: { locked: true } })
    expect(await me(next)).toBe(401)
    expect(await mintToken(server.core, { actor: cli, userId: ada.userId }, { format })).toMatchObject({
      refused: { code: 'conflict' },
    })
    await patchUser(accounts, { actor: cli, userId: ada.userId, patch: { locked: false } })
  })

  test('is no recent sign-in: what needs one refuses it', async () => {
    const answer = await call(await minted(ada, { format }), '/api/v1/me', 'PATCH', { username: 'lovelace' })
    expect([answer.status, answer.json()['code']]).toEqual([401, 'recent_sign_in_needed'])
  })
})

describe('where an operator lets minted tokens work on this machine alone', () => {
  const only = (loopback: boolean) =>
    changeClient(server.core, { actor: cli, clientId: mintedClientId, fields: { loopback_only: loopback } })
  beforeAll(async () => {
    await minted(ada, { format: 'opaque' })
    await only(true)
  })
  afterAll(() => only(false))

  test.each(['jwt', 'opaque', 'macaroon'] as const)('K05: a %s is no recent sign-in either', async (format) => {
    const token = await minted(ada, { format })
    expect(await me(token)).toBe(200)
    for (const [method, path, body] of [
      ['POST', '/api/v1/me/tokens', { format: 'opaque' }],
      ['POST', '/api/v1/me/passkey-challenge'],
      ['PATCH', '/api/v1/me', { email: 'eve@example.org' }],
      ['DELETE', '/api/v1/me'],
    ] as const) {
      const answer = await call(token, path, method, body)
      expect([path, answer.status, answer.json()['code']]).toEqual([path, 401, 'recent_sign_in_needed'])
    }
    expect((await call(token, '/api/v1/me')).json()).toMatchObject({ username: 'ada', email: null })
  })
})

describe('what can be minted', () => {
  const refusalOf = async (user: User, wanted: MintRequest) => {
    const made = await mintToken(server.core, { actor: cli, userId: user.userId }, wanted)
    return 'refused' in made ? made.refused.field : 'made'
  }
  test.each([
    [{ format: 'jwt', ttl: 3600 }, 'made'],
    [{ format: 'jwt', ttl: 3601 }, 'ttl'],
    [{ format: 'opaque', ttl: 0 }, 'ttl'],
    [{ format: 'macaroon', ttl: 366 * 86_400 }, 'made'],
    [{ format: 'macaroon', ttl: 366 * 86_400 + 1 }, 'ttl'],
    [{ format: 'jwt', caveats: ['method = GET'] }, 'caveats'],
    [{ format: 'macaroon', caveats: ['colour = blue'] }, 'caveats'],
    [{ format: 'macaroon', caveats: ['user = usr_other'] }, 'caveats'],
    [{ format: 'macaroon', resource: 'https://unknown.example' }, 'resource'],
    [{ format: 'macaroon', resource: macaroonApi, scope: ['me'] }, 'scope'],
    [{ format: 'macaroon', resource: macaroonApi, scope: ['read'] }, 'made'],
    [{ format: 'jwt', scope: ['admin'] }, 'scope'],
    [{ format: 'jwt', scope: ['anything'] }, 'scope'],
  ] as const)('%j: %s', async (wanted, answer) => expect(await refusalOf(ada, wanted)).toBe(answer))

  test('nothing for an API that is switched off; what was made before holds no more', async () => {
    const at = ref('resource', 'https://off.example')
    await server.makeResource({ resource: at.id, scope: 'read', introspection_clients: [api.clientId] })
    const token = await minted(ada, { format: 'opaque', resource: at.id })
    expect(await introspectCall(server, api, token)).toMatchObject({ active: true })
    const noteId = server.core.random.id(server.core.clock.millis())
    await transition(server.core.transition, { slot: at }, ({ slot }, now) => {
      if (slot.value === undefined) throw new Error('the API is gone')
      const off = put(slot, { ...slot.value, disabled: true }, { expiresAt: null })
      return { writes: [off, announce(noteId, slot, now)], result: undefined }
    })
    expect(await refusalOf(ada, { format: 'opaque', resource: at.id })).toBe('resource')
    expect(await introspectCall(server, api, token)).toEqual({ active: false })
  })

  test('caveats narrow it from the beginning', async () => {
    const token = await minted(ada, { format: 'macaroon', resource: macaroonApi, caveats: ['method = GET'] })
    expect(await introspectCall(server, api, token)).toEqual({ active: false })
    expect(await introspectCall(server, api, token, { method: 'GET' })).toMatchObject({
      active: true,
      sub: ada.userId,
      scope: 'read write',
      caveats: ['method = GET'],
    })
    expect(await introspectCall(server, api, narrow(token, 'scope = read'), { method: 'GET' })).toMatchObject({
      scope: 'read',
    })
  })

  test('the client in whose name they are made can do nothing by itself', async () => {
    await minted(ada, { format: 'jwt' })
    for (const grantType of ['client_credentials', 'password', 'authorization_code', 'refresh_token']) {
      const answer = await tokenRequest(server, undefined, {
        grant_type: grantType,
        client_id: mintedClientId,
        username: 'ada',
        password: 'x',
        code: 'x',
        refresh_token: 'x',
      })
      expect([answer.status, answer.json()['error']], grantType).toEqual([400, 'unauthorized_client'])
    }
  })
})

describe.each(['jwt', 'opaque', 'macaroon'] as const)('roles reach a minted %s as claims', (format) => {
  const claims = async (user: User, resource: string) =>
    introspectCall(server, api, await minted(user, { format, resource }))

  test('where the API asks for them, and nowhere else', async () => {
    expect(await claims(boss, curiousApi)).toMatchObject({ active: true, username: 'boss', role: 'admin', bot: false })
    const untold = await claims(boss, macaroonApi)
    for (const name of ['username', 'role', 'bot']) expect(untold).not.toHaveProperty(name)
  })

  test('what somebody has not, or has not proved, is not said', async () => {
    await patchUser(server.core, {
      actor: cli,
      userId: root.userId,
      patch: { email: 'root@example.org', fullName: null },
    })
    const said = await claims(root, curiousApi)
    for (const name of ['name', 'email']) expect(said).not.toHaveProperty(name)
    await patchUser(server.core, { actor: cli, userId: root.userId, patch: { fullName: 'Root' } })
    expect(await claims(root, curiousApi)).toMatchObject({ name: 'Root' })
  })

  test('of a bot it is the role that counts', async () => {
    const { userId } = await server.makeUser(`master-${format}`, { role: 'admin' })
    const wanted = { username: `robot-${format}`, bot: true, wrangler: userId, role: 'admin' } as const
    const bot = await createUser(server.core, cli, wanted)
    if ('refused' in bot) throw new Error(bot.refused.detail)
    expect(await claims(bot.done, curiousApi)).toMatchObject({ role: 'admin', bot: true })
    await patchUser(server.core, { actor: cli, userId, patch: { role: 'editor' } })
    expect(await claims(bot.done, curiousApi)).toMatchObject({ role: 'editor', bot: true })
  })
})

describe('POST /api/v1/users/{id}/tokens', () => {
  const post = async (actor: string, user: User, body: unknown) =>
    call(actor, `/api/v1/users/${user.userId}/tokens`, 'POST', body)

  test('an administrator mints for those below him, nobody for those above', async () => {
    const token = await signedIn('boss')
    const made = await post(token, ada, { format: 'macaroon', ttl: 60, name: 'cron' })
    expect(made.status).toBe(201)
    expect(made.json()).toMatchObject({ token_type: 'Bearer', expires_in: 60, scope: 'openid me' })
    expect(made.headers.get('cache-control')).toBe('no-store')
    expect(await me(String(made.json()['token']))).toBe(200)
    expect((await post(token, root, { format: 'jwt' })).status).toBe(403)
    expect((await post(token, boss, { format: 'jwt', scope: 'admin' })).status).toBe(201)
    const own = await minted(ada, { format: 'jwt' })
    expect((await post(own, ada, { format: 'jwt' })).status).toBe(403)
  })

  test('nobody mints a power that he lacks himself', async () => {
    const accounts = { ...server.core, strength: async () => undefined }
    await patchUser(accounts, { actor: cli, userId: ada.userId, patch: { scopes: ['accounts:provision'] } })
    const token = await signedIn('boss')
    expect((await post(token, ada, { format: 'jwt', scope: 'accounts:provision' })).status).toBe(403)
    const higher = await signedIn('root')
    expect((await post(higher, ada, { format: 'jwt', scope: 'accounts:provision' })).status).toBe(201)
  })

  test('K05: no macaroon is rid of its caveats by minting', async () => {
    const opaque = await minted(boss, { format: 'opaque', scope: ['admin'] })
    expect((await post(opaque, ada, { format: 'jwt' })).status).toBe(201)
    const whole = await minted(boss, { format: 'macaroon', scope: ['admin'] })
    const narrowed = narrow(whole, 'method = POST')
    for (const token of [whole, narrowed])
      expect((await post(token, boss, { format: 'opaque', scope: 'admin' })).status).toBe(403)
    expect((await call(whole, '/api/v1/users')).status).toBe(200)
  })

  test('says which field is wrong', async () => {
    const token = await signedIn('boss')
    expect((await post(token, ada, { format: 'jwt', ttl: 7200 })).json()).toMatchObject({ field: 'ttl' })
    expect((await post(token, ada, { format: 'jwt', caveats: ['method = GET'] })).json()).toMatchObject({
      field: 'caveats',
    })
  })
})
