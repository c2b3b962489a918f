import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { mintToken, type MintedToken } from '../../src/accounts/mint-token.ts'
import type { MintRequest } from '../../src/domain/mint-request.ts'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { put, ref } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'
import { transition } from '../../src/store/transition.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer, type Ask } from '../kit/browser.ts'
import { codeFlow, submit, tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { narrow } from '../kit/macaroons.ts'
import { readOAuthProvider } from '../upstream/house.ts'
import { startApi, type Api } from './api.ts'
import { connectDirectly, etsyProvider, eventsOf, keptTokens, storedConnection } from './house.ts'

let etsy: Etsy
let api: Api
let providers: Readonly<Record<'etsy' | 'odd' | 'slow', OAuthProvider>>
let server: TestGatehouse
let desk: MadeClient
let ada: User
let token: string
/** Ada's, at Etsy and at an API that does what a test wants. */
let shop: string
let odd: string
const cli = { kind: 'cli' } as const

beforeAll(async () => {
  ;[etsy, api] = await Promise.all([startEtsy(), startApi()])
  providers = {
    etsy: etsyProvider(etsy),
    odd: etsyProvider(etsy, {
      name: 'odd',
      issuer: 'https://odd.example',
      callback_path: '/odd',
      api_base: `${api.url}/v3`,
    }),
    slow: etsyProvider(etsy, {
      name: 'slow',
      issuer: 'https://slow.example',
      callback_path: '/slow',
      token_endpoint: `${api.url}/token`,
      revocation_endpoint: `${api.url}/revoke`,
    }),
  }
  server = await startGatehouse({ config: { providers: Object.values(providers) } })
  ada = await server.makeUser('ada')
  desk = await server.makeClient({ client_id: 'desk', scope: 'openid me vault vault:etsy vault:odd' })
  const flow = await codeFlow(server, desk, 'ada', { extra: { scope: 'openid me vault vault:etsy vault:odd' } })
  token = flow.tokens.access_token
  const owner = { kind: 'user', userId: ada.userId } as const
  shop = await connectDirectly(server, providers.etsy, owner)
  odd = await connectDirectly(server, providers.odd, owner)
})
afterAll(async () => {
  await server.close()
  await Promise.all([etsy.close(), api.close()])
})
afterEach(() => {
  api.answer = undefined
  api.called.length = 0
})

type Call = Ask & { readonly with?: string | undefined }

function call(path: string, { with: bearer = token, headers, ...ask }: Call = {}): Promise<Answer> {
  return createBrowser(server.url).ask(`/vault/proxy/${path}`, {
    ...ask,
    headers: { ...(bearer !== '' && { authorization: `Bearer ${bearer}` }), ...headers },
  })
}

async function capability(wanted: Partial<MintRequest> = {}): Promise<string> {
  return (await made(wanted)).token
}

async function made(wanted: Partial<MintRequest> = {}): Promise<MintedToken> {
  const outcome = await mintToken(
    server.core,
    { actor: cli, userId: ada.userId },
    { format: 'macaroon', connection: shop, ...wanted },
  )
  if ('refused' in outcome) throw new Error(outcome.refused.detail)
  return outcome.done
}

describe('a call', () => {
  test('reaches the API with its own token and key, and neither shows in the answer', async () => {
    const answer = await call(`${shop}/v3/application/users/me`)
    expect([answer.status, answer.json()]).toEqual([200, { user_id: 123456789, shop_id: 77 }])
    const asked = etsy.askedAt('/v3/application/users/me').at(-1)
    const { access } = await keptTokens(server, shop)
    expect(asked?.headers).toMatchObject({
      authorization: `Bearer ${access}`,
      'x-api-key': `${etsy.keystring}:${etsy.sharedSecret}`,
    })
    expect(`${answer.text} ${JSON.stringify([...answer.headers])}`).not.toContain(access)
  })

  test('RFC 6750 §3: without credentials it is asked for a bearer token, which alone is taken', async () => {
    const answer = await call(`${shop}/v3/application/users/me`, { with: '' })
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="gatehouse"'])
    const basic = await call(`${shop}/v3/application/users/me`, { with: '', headers: { authorization: desk.basic } })
    expect([basic.status, basic.headers.get('www-authenticate')?.startsWith('Bearer ')]).toEqual([401, true])
  })

  test('with a token that was narrowed to one provider reaches that one alone', async () => {
    const { tokens } = await codeFlow(server, desk, 'ada', { extra: { scope: 'openid vault:odd' } })
    const narrowed = tokens.access_token
    expect((await call(`${odd}/a`, { with: narrowed })).status).toBe(200)
    const elsewhere = await call(`${shop}/v3/application/users/me`, { with: narrowed })
    const absent = await call('nothing/v3/application/users/me', { with: narrowed })
    expect([elsewhere.status, elsewhere.text]).toEqual([404, absent.text])
  })

  test('keeps method, path, query and body, below the base', async () => {
    const body = JSON.stringify({ title: 'a kingfisher' })
    await call(`${odd}/shops/77/listings/?limit=2&a[]=%C3%A9`, {
      method: 'PATCH',
      body,
      headers: { 'content-type': 'application/json', 'if-match': '"7"' },
    })
    expect(api.called.at(-1)).toMatchObject({
      method: 'PATCH',
      url: '/v3/shops/77/listings/?limit=2&a[]=%C3%A9',
      body,
      headers: { 'content-type': 'application/json', 'content-length': String(body.length), 'if-match': '"7"' },
    })
    const head = await call(`${odd}/a`, { method: 'HEAD' })
    expect([head.status, head.text, api.called.at(-1)?.method]).toEqual([200, '', 'HEAD'])
    expect((await call(`${odd}/a`, { method: 'DELETE' })).json()).toEqual({ method: 'DELETE', url: '/v3/a' })
  })

  test('is recorded, without its path', async () => {
    const before = (await eventsOf(server, shop)).length
    await call(`${shop}/v3/application/openapi-ping`)
    expect((await eventsOf(server, shop)).slice(before)).toEqual(['connection.called'])
  })

  test('L15: brings no credential and no other method in its query, however they are spelled', async () => {
    for (const query of [
      'access_token=x',
      '%61ccess_token=x',
      'Access%5fToken=x',
      'a=b;access_token=x',
      'access.token=x',
      'access_token[]=x',
      'oauth_token=x',
      '+_method=DELETE',
      '%5Fmethod=DELETE',
      '_method%5B%5D=DELETE',
      '%24httpMethod=DELETE',
      'x-http-method-override=DELETE',
    ])
      expect((await call(`${odd}/a?${query}`)).status, query).toBe(400)
    expect(api.called.length).toBe(0)
    for (const query of ['method=flickr.test', 'page_token=2', 'token=3', 'q=access_token', ''])
      expect((await call(`${odd}/a?${query}`)).status, query).toBe(200)
  })

  test('L22: with a token that a release of before kept, and that no header holds, it is 502 and nothing leaves', async () => {
    const { core } = server
    const id = await connectDirectly(server, providers.odd, { kind: 'user', userId: ada.userId })
    const before = await storedConnection(server, id)
    const { instanceId } = await core.directory.instance()
    const at = { instanceId, kind: 'connection', id, edition: before.edition } as const
    const sealed = core.upstream.seal(at, { accessToken: secretValue('日本\n') })
    await transition(core.transition, { slot: ref('connection', id) }, ({ slot }) => ({
      writes: [put(slot, { ...before, ...sealed }, { expiresAt: null })],
      result: undefined,
    }))
    const answer = await call(`${id}/a`)
    expect([answer.status, answer.json()['error'], api.called.length]).toEqual([502, 'bad_gateway', 0])
  })

  test('with a client’s own token goes through the client’s own connection', async () => {
    const robot = await server.makeClient({
      client_id: 'robot',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'vault read',
    })
    const own = await connectDirectly(server, providers.odd, { kind: 'client', clientId: 'robot' })
    const got = await tokenRequest(server, robot, { grant_type: 'client_credentials', scope: 'vault' })
    const robots = String(got.json()['access_token'])
    expect((await call(`${own}/a`, { with: robots })).status).toBe(200)
    expect((await call(`${odd}/a`, { with: robots })).status).toBe(404)
    expect((await call(`${own}/a`)).status).toBe(404)
  })

  test('with the handle of a connection that belongs to nobody goes through that one alone', async () => {
    const browser = createBrowser(server.url)
    const started = (await browser.ask('/vault/connect', { form: { provider: 'etsy' } })).json() as Record<
      string,
      string
    >
    const { handle = '', connection = '', connect_url: page = '', user_code: code = '' } = started
    expect((await call(`${connection}/v3/application/users/me`, { with: handle })).json()['error']).toBe(
      'authorization_pending',
    )
    const left = await submit(browser, await browser.ask(page), 'connect', { user_code: code, confirm_mine: 'yes' })
    await browser.ask(await consent(left.location ?? ''))
    expect((await call(`${connection}/v3/application/users/me`, { with: handle })).json()).toMatchObject({
      shop_id: 77,
    })
    expect((await call(`${shop}/v3/application/users/me`, { with: handle })).status).toBe(404)
    const forged = `${handle.slice(0, -2)}AA`
    expect((await call(`${connection}/v3/application/users/me`, { with: forged })).status).toBe(404)
    await browser.ask('/vault/revoke', { form: { handle } })
    expect((await call(`${connection}/v3/application/users/me`, { with: handle })).json()['error']).toBe(
      'expired_token',
    )
  })

  test('passes on what an API says about its budget', async () => {
    api.answer = (_called, response) =>
      void response
        .writeHead(429, { 'retry-after': '7', 'x-remaining-today': '0', 'content-type': 'application/json' })
        .end('{"error":"slow down"}')
    const answer = await call(`${odd}/a`)
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('x-remaining-today')]).toEqual([
      429,
      '7',
      '0',
    ])
    expect(answer.json()).toEqual({ error: 'slow down' })
  })
})

/** Status and every `Content-Length` of an answer, as they stand on the wire. */
async function rawAnswer(method: string): Promise<{ readonly status: number; readonly lengths: readonly string[] }> {
  const { hostname, port, host } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `${method} /vault/proxy/${odd}/a HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
  )
  const text = Buffer.concat(await socket.toArray()).toString('latin1')
  const lengths = [...text.matchAll(/^content-length: (\d+)\r$/gim)].map(([, length = '']) => length)
  return { status: Number(text.split(' ')[1]), lengths }
}

describe('an answer', () => {
  test('is made harmless to a browser, whatever the API says', async () => {
    api.answer = (_called, response) =>
      void response
        .writeHead(200, {
          'content-type': 'text/html',
          'set-cookie': '__Host-session=stolen; Path=/; Secure',
          'content-security-policy': 'default-src *',
          'access-control-allow-origin': '*',
          'cache-control': 'public',
          'clear-site-data': '"*"',
        })
        .end('<script>alert(1)</script>')
    const { headers } = await call(`${odd}/a`)
    expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'")
    expect(headers.get('content-disposition')).toBe('attachment')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-store')
    for (const name of ['set-cookie', 'access-control-allow-origin', 'clear-site-data'])
      expect(headers.get(name), name).toBeNull()
  })

  test('to HEAD has one length, the API’s own, and 204 none', async () => {
    api.answer = (_called, response) => void response.writeHead(200, { 'content-length': '1234' }).end()
    const head = await rawAnswer('HEAD')
    expect([head.status, head.lengths]).toEqual([200, ['1234']])
    api.answer = (_called, response) => void response.writeHead(204, { 'content-length': '7' }).end()
    const empty = await rawAnswer('DELETE')
    expect([empty.status, empty.lengths]).toEqual([204, []])
  })

  test('and an error of ours isn’t taken for one of the provider’s', async () => {
    expect((await call(`${odd}/a`)).headers.get('gatehouse-provider')).toBe('odd')
    expect((await call('nothing/a')).headers.get('gatehouse-provider')).toBeNull()
  })

  test('comes as it is made, and the API hears when nobody reads it any more', async () => {
    let left: () => void = () => undefined
    const leaving = new Promise<void>((resolve) => (left = resolve))
    api.answer = (_called, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      response.once('close', left)
    }
    const away = new AbortController()
    const response = await fetch(`${server.url}/vault/proxy/${odd}/events`, {
      headers: { authorization: `Bearer ${token}` },
      signal: away.signal,
    })
    const reader = response.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: 1\n\n')
    away.abort()
    await leaving
  })

  test('is cut where the API breaks off, and never ends as if it were whole', async () => {
    api.answer = (_called, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('part')
      setImmediate(() => response.destroy())
    }
    await expect(call(`${odd}/a`)).rejects.toThrow()
  })

  test('eight at once through one connection; the ninth waits its turn', async () => {
    const waiting: (() => void)[] = []
    api.answer = (_called, response) => void waiting.push(() => void response.end('done'))
    const calls = Array.from({ length: 8 }, () => call(`${odd}/a`))
    await expect.poll(() => waiting.length).toBe(8)
    const ninth = await call(`${odd}/a`)
    expect([ninth.status, ninth.headers.get('retry-after')]).toEqual([429, '1'])
    for (const answer of waiting) answer()
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
    api.answer = undefined
    await expect.poll(async () => (await call(`${odd}/a`)).status).toBe(200)
  })
})

test('whoever leaves before his turn takes none with him', async () => {
  const calls = () => eventsOf(server, odd).then((events) => events.length)
  const before = await calls()
  const { store } = server.core.transition
  const { read } = store
  const gate = Promise.withResolvers<undefined>()
  const held = vi.spyOn(store, 'read').mockImplementation(async (refs) => {
    await gate.promise
    return read.call(store, refs)
  })
  const away = new AbortController()
  const eight = Array.from({ length: 8 }, () =>
    fetch(`${server.url}/vault/proxy/${odd}/a`, {
      headers: { authorization: `Bearer ${token}` },
      signal: away.signal,
    }),
  )
  await expect.poll(() => held.mock.calls.length).toBe(8)
  away.abort()
  await Promise.allSettled(eight)
  // The server hears of it before it hears anything that is said later.
  await createBrowser(server.url).ask('/nothing')
  held.mockRestore()
  gate.resolve(undefined)
  await expect.poll(calls).toBe(before + 8)
  expect((await call(`${odd}/a`)).status).toBe(200)
})

describe('a long body', () => {
  const long = 'x'.repeat(300_000)

  test('is passed on as it comes', async () => {
    const answer = await call(`${odd}/upload`, { method: 'POST', body: long, headers: { 'content-type': 'image/png' } })
    expect(answer.status).toBe(200)
    expect(api.called.at(-1)).toMatchObject({ body: long, headers: { 'content-type': 'image/png' } })
  })

  test('that says it is longer than is allowed is refused by its head', async () => {
    const answer = await call(`${odd}/upload`, { method: 'POST', body: 'x'.repeat(16_777_217) })
    expect([answer.status, api.called.length]).toEqual([413, 0])
  })
})

describe('L29: a token that the API refuses', () => {
  test('is renewed once, and the call made again, body and all', async () => {
    const id = await connectDirectly(server, providers.odd, { kind: 'user', userId: ada.userId })
    server.clock.advance(61)
    const bearers: (string | undefined)[] = []
    api.answer = ({ headers, body }, response) => {
      bearers.push(headers.authorization)
      if (bearers.length === 1) response.writeHead(401).end('{"error":"invalid_token"}')
      else response.end(`got ${body}`)
    }
    const before = etsy.refreshes()
    const answer = await call(`${id}/a`, { method: 'POST', body: 'hello' })
    expect([answer.status, answer.text]).toEqual([200, 'got hello'])
    expect(etsy.refreshes() - before).toBe(1)
    expect(new Set(bearers).size).toBe(2)
  })

  test('twice is not renewed twice; nor is one that has only just come (L21)', async () => {
    const id = await connectDirectly(server, providers.odd, { kind: 'user', userId: ada.userId })
    api.answer = (_called, response) => void response.writeHead(401).end('{"error":"no"}')
    const before = etsy.refreshes()
    const young = await call(`${id}/a`)
    expect([young.status, young.json()['error'], etsy.refreshes() - before]).toEqual([502, 'bad_gateway', 0])
    server.clock.advance(61)
    expect((await call(`${id}/a`)).status).toBe(502)
    for (let times = 0; times < 5; times += 1) expect((await call(`${id}/a`)).status).toBe(502)
    expect(etsy.refreshes() - before).toBe(1)
    expect((await storedConnection(server, id)).state).toBe('active')
  })

  test('whose refresh token is dead too: the person must connect anew, said aloud', async () => {
    const id = await connectDirectly(server, providers.etsy, { kind: 'user', userId: ada.userId })
    etsy.revokeAll()
    server.clock.advance(61)
    const answer = await call(`${id}/v3/application/users/me`)
    expect([answer.status, answer.json()['error']]).toEqual([400, 'needs_reauth'])
    expect((await storedConnection(server, id)).state).toBe('needs_reauth')
    // As after a change of password: everybody connects anew.
    const owner = { kind: 'user', userId: ada.userId } as const
    ;[shop, odd] = [
      await connectDirectly(server, providers.etsy, owner),
      await connectDirectly(server, providers.odd, owner),
    ]
  })
})

describe('a provider that is for its API alone', () => {
  const bare = (name: string, more: Readonly<Record<string, unknown>>) =>
    readOAuthProvider({
      name,
      preset: 'oauth2',
      issuer: `https://${name}.example`,
      client_id: etsy.keystring,
      token_endpoint_auth_method: 'none',
      authorization_endpoint: `${etsy.url}/oauth/connect`,
      token_endpoint: `${api.url}/token`,
      scope: 'shops_r',
      callback_path: '/etsy',
      ...more,
    })
  const answering = (token: string) => {
    api.answer = ({ url }, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(url === '/me' ? { id: 7 } : { access_token: token, token_type: 'Bearer', expires_in: 60 }))
  }

  test('and says nobody’s id is connected to all the same, and no id is guessed', async () => {
    for (const token of ['opaque', '42.opaque']) {
      answering(token)
      const id = await connectDirectly(server, bare('bare', {}), { kind: 'user', userId: ada.userId })
      expect((await storedConnection(server, id)).account, token).toBe('')
    }
  })

  test('hears its own key with the question who somebody is', async () => {
    answering('opaque')
    const told = bare('told', {
      subject: { from: 'userinfo', claim: 'id' },
      userinfo_endpoint: `${api.url}/me`,
      api_headers: { 'x-api-key': '{client_id}' },
    })
    const id = await connectDirectly(server, told, { kind: 'user', userId: ada.userId })
    expect((await storedConnection(server, id)).account).toBe('7')
    expect(api.called.at(-1)?.headers['x-api-key']).toBe(etsy.keystring)
  })
})

test('what a renewal brings for a connection that was ended meanwhile goes back to the provider', async () => {
  const renewing = Promise.withResolvers<() => void>()
  api.answer = ({ url, body }, response) => {
    const tokens = (name: string) => ({
      access_token: `1.a-${name}`,
      refresh_token: `1.r-${name}`,
      token_type: 'Bearer',
      expires_in: 3600,
    })
    const json = (value: unknown) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (url === '/revoke') json({})
    else if (body.includes('authorization_code')) json(tokens('old'))
    else renewing.resolve(() => json(tokens('new')))
  }
  const id = await connectDirectly(server, providers.slow, { kind: 'user', userId: ada.userId })
  const edition = (await storedConnection(server, id)).edition
  const asked = server.core.vault.freshToken({ connection: id, rejected: edition })
  const answer = await renewing.promise
  const { vault } = server.core
  expect(await vault.disconnect(id, { connection: await storedConnection(server, id), by: {} })).toBe(true)
  answer()
  expect(await asked).toEqual({ outcome: 'revoked' })
  const given = () =>
    api.called.flatMap(({ url, body }) => (url === '/revoke' ? [new URLSearchParams(body).get('token')] : []))
  await expect.poll(given).toEqual(expect.arrayContaining(['1.r-old', '1.a-old', '1.r-new', '1.a-new']))
})

describe('a macaroon as a capability', () => {
  const listing = (id = shop) => `${id}/v3/application/shops/77/listings`

  test('reads one shop, and nothing else', async () => {
    const macaroon = await capability({ caveats: ['method = GET', 'path = /v3/application/shops/77/*'] })
    const get = await call(listing(), { with: macaroon })
    expect([get.status, get.json()]).toEqual([200, { path: '/v3/application/shops/77/listings', method: 'GET' }])
    expect((await call(listing(), { with: macaroon, method: 'DELETE' })).status).toBe(401)
    for (const path of ['78/listings', '77', '77x/listings', '770/listings'])
      expect((await call(`${shop}/v3/application/shops/${path}`, { with: macaroon })).status, path).toBe(401)
    expect((await call(listing(odd), { with: macaroon })).status).toBe(401)
  })

  test('opens nothing of this server, not even where it was narrowed by nothing', async () => {
    const macaroon = await capability()
    const me = await createBrowser(server.url).ask('/api/v1/me/session', {
      headers: { authorization: `Bearer ${macaroon}` },
    })
    const info = await createBrowser(server.url).ask('/oauth/userinfo', {
      headers: { authorization: `Bearer ${macaroon}` },
    })
    expect([me.status, info.status]).toEqual([401, 401])
  })

  test('is narrowed further by whoever holds it, offline, and never widened', async () => {
    const macaroon = await capability({ caveats: ['method = GET HEAD'] })
    const narrower = narrow(macaroon, 'path = /v3/application/openapi-ping')
    expect((await call(`${shop}/v3/application/openapi-ping`, { with: narrower })).status).toBe(200)
    expect((await call(listing(), { with: narrower })).status).toBe(401)
    for (const wider of ['method = POST GET', `connection = ${odd} ${shop}`, 'path = /*'])
      expect((await call(listing(), { with: narrow(narrower, wider) })).status, wider).toBe(401)
    for (const unknown of ['shop = 77', `connection = ${odd}`, 'time < soon'])
      expect(
        (await call(`${shop}/v3/application/openapi-ping`, { with: narrow(macaroon, unknown) })).status,
        unknown,
      ).toBe(401)
  })

  test('ends by its time, by its grant, and by an hour where nobody said when', async () => {
    const soon = `${new Date((server.clock.seconds() + 30) * 1000).toISOString().slice(0, 19)}Z`
    const short = narrow(await capability(), `time < ${soon}`)
    const usual = await made()
    expect((await call(listing(), { with: usual.token })).status).toBe(200)
    expect((await call(listing(), { with: short })).status).toBe(200)
    server.clock.advance(31)
    expect((await call(listing(), { with: short })).status).toBe(401)
    const ended = await createBrowser(server.url).ask(`/api/v1/me/tokens/${usual.grantId}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(ended.status).toBe(204)
    expect((await call(listing(), { with: usual.token })).status).toBe(401)
    const other = await capability()
    server.clock.advance(3600)
    expect((await call(listing(), { with: other })).status).toBe(401)
    token = (await codeFlow(server, desk, 'ada', { extra: { scope: 'openid me vault vault:etsy vault:odd' } })).tokens
      .access_token
  })

  test('is made by the owner alone, for a connection of his that is finished, as a macaroon without scope', async () => {
    const boss = await server.makeUser('boss', { role: 'superuser' })
    const by = (actor: Parameters<typeof mintToken>[1]['actor'], wanted: MintRequest) =>
      mintToken(server.core, { actor, userId: ada.userId }, wanted)
    const admin = { kind: 'user', user: boss, scopes: ['admin'] } as const
    // L26
    expect(await by(admin, { format: 'macaroon', connection: shop })).toMatchObject({ refused: { code: 'forbidden' } })
    for (const wanted of [
      { format: 'jwt', connection: shop },
      { format: 'macaroon', connection: shop, scope: ['vault'] },
      { format: 'macaroon', connection: 'nothing' },
    ] as const)
      expect(await by(cli, wanted)).toMatchObject({ refused: { code: 'invalid_field' } })
    const foreign = await connectDirectly(server, providers.etsy, { kind: 'user', userId: boss.userId })
    expect(await by(cli, { format: 'macaroon', connection: foreign })).toMatchObject({
      refused: { code: 'invalid_field' },
    })
  })

  test('what another macaroon of the account says about a connection opens none', async () => {
    const plain = await mintToken(
      server.core,
      { actor: cli, userId: ada.userId },
      { format: 'macaroon', scope: ['me', 'vault'] },
    )
    const wide = 'done' in plain ? plain.done.token : ''
    expect((await call(listing(), { with: narrow(wide, `connection = ${shop}`) })).status).toBe(400)
    expect((await call(listing(), { with: wide })).status).toBe(400)
  })
})
