import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, submit, tokenRequest } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { curiousApi, introspectCall, makeCuriousApi, makeMacaroonApi } from '../kit/macaroons.ts'

const api = 'https://api.example'

let server: TestGatehouse
let client: MadeClient
/** May introspect what is for the API that asks for claims. */
let reader: MadeClient
beforeAll(async () => {
  server = await startGatehouse()
  client = await server.makeClient({ client_id: 'app', scope: 'openid offline_access me read write admin' })
  await server.makeResource({ resource: api, scope: 'read write' })
  reader = await makeMacaroonApi(server)
  await makeCuriousApi(server)
})
afterAll(() => server.close())

function call(token: string, path: string, method = 'GET', body?: unknown): Promise<Answer> {
  return createBrowser(server.url).ask(path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}
const make = (token: string, wanted: object) => call(token, '/api/v1/me/tokens', 'POST', wanted)
const alive = async (token: string) => (await call(token, '/api/v1/me/session')).status === 200
const items = (answer: Answer) => answer.json()['items'] as Record<string, unknown>[]

async function tokenOf(username: string, extra: Record<string, string>): Promise<string> {
  return (await codeFlow(server, client, username, { extra })).tokens.access_token
}

async function signIn(username: string): Promise<Browser> {
  const browser = createBrowser(server.url)
  await submit(browser, await browser.ask('/signin'), 'sign-in', { username, password })
  return browser
}

describe('REST: tokens for one’s own scripts', () => {
  test.each(['jwt', 'opaque', 'macaroon'])('a %s works, is listed by its name, and ends alone', async (format) => {
    await server.makeUser(`ada-${format}`)
    const own = await tokenOf(`ada-${format}`, { scope: 'openid me' })
    const made = await make(own, { format, name: 'backup' })
    expect(made.status).toBe(201)
    const { token, grant_id: id, scope } = made.json() as { token: string; grant_id: string; scope: string }
    expect(scope).toBe('openid me')
    const other = (await make(own, { format, name: 'other' })).json()['token'] as string
    expect([await alive(token), await alive(other)]).toEqual([true, true])
    const listed = items(await call(own, '/api/v1/me/tokens'))
    expect(new Set(listed.map(({ name }) => name))).toEqual(new Set(['backup', 'other']))
    expect(listed.find(({ grant_id }) => grant_id === id)).toMatchObject({ format, resource: null })
    expect(JSON.stringify(listed)).not.toContain(token)
    expect((await call(own, `/api/v1/me/tokens/${id}`, 'DELETE')).status).toBe(204)
    expect([await alive(token), await alive(other)]).toEqual([false, true])
  })

  test('auth_epoch: with the account’s epoch all of them end', async () => {
    const { userId } = await server.makeUser('bea')
    const own = await tokenOf('bea', { scope: 'openid me' })
    const token = (await make(own, {})).json()['token'] as string
    expect(await alive(token)).toBe(true)
    await revokeTokens(server.core, { actor: { kind: 'cli' }, userId })
    expect(await alive(token)).toBe(false)
  })

  test('M02, M03: a token makes none that may do more than it may itself', async () => {
    await server.makeUser('cy', { role: 'superuser' })
    const narrow = await tokenOf('cy', { scope: 'openid me' })
    for (const scope of ['admin', 'openid me admin:read', 'accounts:provision', 'vault']) {
      const refused = await make(narrow, { scope })
      expect([scope, refused.status]).toEqual([scope, 403])
    }
    const wide = await tokenOf('cy', { scope: 'openid me admin' })
    expect((await make(wide, { scope: 'admin' })).status).toBe(201)
  })

  test('one made with less does less, though its person may do more', async () => {
    await server.makeUser('ivy')
    const own = await tokenOf('ivy', { scope: 'openid me' })
    const narrow = (await make(own, { scope: 'openid' })).json()['token'] as string
    expect([await alive(narrow), (await call(own, '/api/v1/me')).status]).toEqual([true, 200])
    const refused = await call(narrow, '/api/v1/me')
    expect([refused.status, refused.json()['code']]).toEqual([403, 'insufficient_scope'])
  })

  test('an API that the asking sign-in was not for is out of reach', async () => {
    await server.makeUser('di')
    // The names of the scopes alone say nothing about whose they are.
    const here = await tokenOf('di', { scope: 'openid me read' })
    expect((await make(here, { resource: api, scope: 'read' })).status).toBe(403)
  })

  test.each(['jwt', 'opaque', 'macaroon'])(
    'a %s for an API says of its person what that API asks for',
    async (format) => {
      const username = `moe-${format}`
      const { userId: sub } = await server.makeUser(username)
      const extra = { resource: curiousApi, scope: 'openid offline_access me read' }
      const { tokens } = await codeFlow(server, client, username, { extra })
      const renewing = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, resource: server.url }
      const own = (await tokenRequest(server, client, renewing)).json()['access_token'] as string
      const made = await make(own, { format, resource: curiousApi, scope: 'read' })
      expect(made.status).toBe(201)
      const said = await introspectCall(server, reader, String(made.json()['token']))
      expect(said).toMatchObject({
        active: true,
        aud: curiousApi,
        sub,
        scope: 'read',
        username,
        role: 'editor',
        bot: false,
      })
    },
  )

  test('no token made so makes another, and none does after five minutes', async () => {
    await server.makeUser('eve')
    const own = await tokenOf('eve', { scope: 'openid me' })
    const token = (await make(own, {})).json()['token'] as string
    expect((await make(token, {})).json()['code']).toBe('recent_sign_in_needed')
    server.clock.advance(301)
    expect((await make(own, {})).json()['code']).toBe('recent_sign_in_needed')
  })

  test('C18: what an application made for itself ends when its consent is taken back, and nothing else does', async () => {
    await server.makeUser('uma')
    const desk = await server.makeClient({ client_id: 'desk', scope: 'openid me' })
    const own = await tokenOf('uma', { scope: 'openid me' })
    const { tokens } = await codeFlow(server, desk, 'uma', { extra: { scope: 'openid me' } })
    const made = async (by: string) => (await make(by, {})).json()['token'] as string
    const [mine, desks] = [await made(own), await made(tokens.access_token)]
    expect([await alive(mine), await alive(desks)]).toEqual([true, true])
    expect((await call(own, '/api/v1/me/consents/desk', 'DELETE')).status).toBe(204)
    expect([await alive(tokens.access_token), await alive(desks), await alive(mine)]).toEqual([false, false, true])
  })

  test('M04: nobody sees or ends another’s, nor ends what is no such token', async () => {
    await server.makeUser('flo')
    await server.makeUser('gil')
    const [flo, gil] = [await tokenOf('flo', { scope: 'openid me' }), await tokenOf('gil', { scope: 'openid me' })]
    const { token, grant_id: id } = (await make(flo, {})).json() as { token: string; grant_id: string }
    expect((await call(gil, `/api/v1/me/tokens/${id}`)).status).toBe(404)
    expect((await call(gil, `/api/v1/me/tokens/${id}`, 'DELETE')).status).toBe(404)
    expect(await alive(token)).toBe(true)
    const [session] = items(await call(gil, '/api/v1/me/grants'))
    expect((await call(gil, `/api/v1/me/tokens/${String(session?.['grant_id'])}`, 'DELETE')).status).toBe(404)
    expect(await alive(gil)).toBe(true)
  })

  test('somebody who makes them in a loop is told to wait', async () => {
    await server.makeUser('hal')
    const own = await tokenOf('hal', { scope: 'openid me' })
    const answers = new Set<number>()
    for (let count = 0; count < 65; count += 1) answers.add((await make(own, { ttl: 60 })).status)
    expect(answers).toEqual(new Set([201, 429]))
  })
})

describe('the page', () => {
  test('makes a token for an API, shows it once, and disables it', async () => {
    await server.makeUser('ina')
    const browser = await signIn('ina')
    const typed = { name: 'Nightly', format: 'macaroon', ttl: '604800', resource: api }
    const made = await submit(browser, await browser.ask('/account/tokens'), 'token-new', { ...typed })
    expect([made.status, made.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const token = /id="token" type="text" value="([^"]+)"/.exec(made.text)?.[1] ?? ''
    expect(token).toMatch(/^gth_mc_/)
    const page = await browser.ask('/account/tokens')
    expect(page.text).toContain('Nightly')
    expect(page.text).toContain(api)
    expect(page.text).not.toContain(token)
    expect((await browser.ask('/account/access')).text).not.toContain('Nightly')
    const id = /data-token="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const ended = await submit(browser, page, 'tokens', { grant_id: id })
    expect(ended.location).toBe('/account/tokens?done')
    expect((await browser.ask('/account/tokens')).text).not.toContain('Nightly')
  })

  test.each(['jwt', 'opaque', 'macaroon'])('a %s says of its person what the API asks for', async (format) => {
    await server.makeUser(`lea-${format}`)
    const browser = await signIn(`lea-${format}`)
    const typed = { name: 'Report', format, ttl: '3600', resource: curiousApi }
    const made = await submit(browser, await browser.ask('/account/tokens'), 'token-new', typed)
    const token = /id="token" type="text" value="([^"]+)"/.exec(made.text)?.[1] ?? ''
    const said = await introspectCall(server, reader, token)
    expect(said).toMatchObject({ active: true, username: `lea-${format}`, role: 'editor', bot: false })
  })

  test('says in words why not, and keeps what was typed', async () => {
    await server.makeUser('jo')
    const browser = await signIn('jo')
    const cases = [
      [{ format: 'jwt', ttl: '604800' }, 'A JWT works for an hour at most.'],
      [{ scope: 'admin' }, 'give these permissions'],
      [{ scope: 'nobody-knows-this' }, 'give these permissions'],
    ] as const
    for (const [typed, words] of cases) {
      const page = await browser.ask('/account/tokens')
      const refused = await submit(browser, page, 'token-new', { name: 'Radio', ttl: '3600', ...typed })
      expect(refused.status).toBe(400)
      expect(refused.text).toContain(words)
      expect(refused.text).toContain('value="Radio"')
    }
    expect((await browser.ask('/account/tokens')).text).not.toContain('data-token')
  })

  test('needs a recent sign-in', async () => {
    await server.makeUser('kit')
    const browser = await signIn('kit')
    server.clock.advance(301)
    expect((await browser.ask('/account/tokens')).location).toBe('/signin?next=/account/tokens')
  })
})
