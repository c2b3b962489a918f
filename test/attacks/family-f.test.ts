import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { ref } from '../../src/domain/record.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { authorizeUrl, codeFlow } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { startApi, type Api } from '../vault/api.ts'
import { connectDirectly, etsyProvider } from '../vault/house.ts'
import { attack, expectPage, expectRedirect, type House } from './support.ts'

// Every request that leaves because of what somebody outside said. The guarded client by itself: test/outbound.

let etsy: Etsy
let api: Api
/** A neighbour that nobody may reach through us, and how often somebody did. */
let neighbour: Server
let packets = 0
let inside: string
let server: TestGatehouse
let house: House
let token: string
let admin: string
const connections: Record<string, string> = {}
const scope = 'openid vault vault:outside vault:address vault:name vault:mapped'

beforeAll(async () => {
  ;[etsy, api] = await Promise.all([startEtsy(), startApi()])
  neighbour = createServer((socket) => {
    packets += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => neighbour.listen(0, '127.0.0.1', resolve))
  const { port } = neighbour.address() as AddressInfo
  inside = `https://127.0.0.1:${port}`
  const entry = (name: string, apiBase: string): OAuthProvider => ({
    ...etsyProvider(etsy, { name, issuer: `https://${name}.example`, callback_path: `/${name}` }),
    apiBase,
  })
  const guarded = (name: string, apiBase: string): OAuthProvider => ({ ...entry(name, apiBase), allowInsecure: false })
  const providers = [
    entry('outside', api.url),
    guarded('address', inside),
    guarded('name', `https://localhost:${port}`),
    guarded('mapped', `https://[::ffff:127.0.0.1]:${port}`),
  ]
  server = await startGatehouse({ config: { providers } })
  const ada = await server.makeUser('ada')
  await server.makeUser('root', { role: 'superuser' })
  const desk = await server.makeClient({ client_id: 'desk', scope: `${scope} admin` })
  house = { server, app: await server.makeClient(), secrets: [etsy.sharedSecret] }
  token = (await codeFlow(server, desk, 'ada', { extra: { scope } })).tokens.access_token
  admin = (await codeFlow(server, desk, 'root', { extra: { scope: 'openid admin' } })).tokens.access_token
  for (const provider of providers)
    connections[provider.name] = await connectDirectly(
      server,
      { ...provider, allowInsecure: true },
      { kind: 'user', userId: ada.userId },
    )
})
afterAll(async () => {
  await server.close()
  await Promise.all([etsy.close(), api.close(), new Promise((resolve) => neighbour.close(resolve))])
})
afterEach(() => {
  api.answer = undefined
  api.called.length = 0
  expect(packets).toBe(0)
})

const call = (name: string, path = '/a'): Promise<Answer> =>
  createBrowser(server.url).ask(`/vault/proxy/${connections[name]}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  })
const calling = { writes: ['event', 'connection'] } as const

describe('F: nobody makes us ask where he likes', () => {
  it('F01 request_uri: is refused, and nobody is asked', async () => {
    const url = authorizeUrl(house.app, { request_uri: `${inside}/latest/` })
    expectRedirect(await attack(house, () => createBrowser(server.url).ask(url)), server, 'request_uri_not_supported')
  })

  it.each([
    ['F02 jwks_uri', { jwks_uri: 'URL', token_endpoint_auth_method: 'private_key_jwt' }],
    ['F03 logo, policy, terms', { logo_uri: 'URL', policy_uri: 'URL', tos_uri: 'URL' }],
    ['F04 sector_identifier_uri', { sector_identifier_uri: 'URL' }],
    ['F11 session-host', { backchannel_logout_uri: 'URL', backchannel_logout_session_required: true }],
    ['F11 session-host, in a frame', { frontchannel_logout_uri: 'URL' }],
  ])('%s: registering fetches nothing', async (name, metadata) => {
    const document = JSON.parse(JSON.stringify(metadata).replaceAll('URL', `${inside}/x`)) as Record<string, string>
    const answer = await attack(
      house,
      () =>
        createBrowser(server.url).ask('/api/v1/clients', {
          method: 'POST',
          headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
          body: JSON.stringify({ redirect_uris: ['https://x.example/cb'], ...document }),
        }),
      { writes: ['client', 'change', 'event'] },
    )
    expect(name.startsWith('F03') ? [201, 400] : [400]).toContain(answer.status)
  })

  it('F05 CIMD-URL: a client id is a name, and never an address that is read', async () => {
    for (const id of [
      `${inside}/client`,
      'http://x',
      'https://x:1/a',
      'https://u@x/a',
      'https://x/a/../b',
      'https://x/a#b',
    ])
      expectPage(
        await attack(house, () => createBrowser(server.url).ask(authorizeUrl({ clientId: id }))),
        'unauthorized_client',
      )
  })

  it('F08 amplification: however many addresses come as client ids, nobody is asked', async () => {
    const { host } = new URL(inside)
    const asked = Array.from({ length: 200 }, (_, index) =>
      createBrowser(server.url).ask(authorizeUrl({ clientId: `https://${host}/${index}` })),
    )
    for (const answer of await Promise.all(asked)) expect(answer.status).toBe(400)
    // Nor is it remembered that one was asked for, whatever the document would say (F10).
    expect(await server.core.transition.store.read([ref('client', `https://${host}/0`)])).toEqual([undefined])
  })

  it('F09 metadata-swap: what a client is changes by an administrator alone, and then at once', async () => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }
    const send = (method: string, path: string, document: object) =>
      createBrowser(server.url).ask(path, { method, headers, body: JSON.stringify(document) })
    const made = await send('POST', '/api/v1/clients', {
      client_id: 'swap',
      redirect_uris: ['https://swap.example/cb'],
      scope: 'openid profile offline_access',
      grant_types: ['authorization_code', 'refresh_token'],
    })
    expect(made.status).toBe(201)
    // By itself, as RFC 7592 would let it: there is no such entrance.
    for (const path of ['/oauth/register', '/oauth/register/swap'])
      expect((await createBrowser(server.url).ask(path, { method: 'PUT', body: '{}' })).status).toBe(404)
    const swapped = await send('PATCH', '/api/v1/clients/swap', { redirect_uris: ['https://other.example/cb'] })
    expect(swapped.status).toBe(200)
    const ask = (redirectUri: string) =>
      createBrowser(server.url).ask(authorizeUrl({ clientId: 'swap' }, { redirect_uri: redirectUri }))
    expect([(await ask('https://swap.example/cb')).status, (await ask('https://other.example/cb')).status]).toEqual([
      400, 200,
    ])
  })

  it.each(['address', 'name', 'mapped'])(
    'F06, F07: an API at a private %s is refused before a packet leaves',
    async (name) => {
      const answer = await attack(house, () => call(name), calling)
      expect([answer.status, answer.json()['error']]).toEqual([502, 'bad_gateway'])
    },
  )

  it('F12 provider-config: providers come from the file alone', async () => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ name: 'mine', preset: 'oidc', issuer: inside })
    const answer = await attack(house, () =>
      createBrowser(server.url).ask('/api/v1/providers', { method: 'POST', headers, body }),
    )
    expect(answer.status).toBe(405)
  })

  it('F13 tar-pit: packed answers, long heads and endless ones are no answers', async () => {
    const hostile: readonly NonNullable<Api['answer']>[] = [
      (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      (_, response) => void response.writeHead(200, { 'content-length': '999999999999' }).write('x'),
      (_, response) => {
        for (let at = 0; at < 1000; at += 1) response.setHeader(`x-${at}`, 'a'.repeat(30))
        response.end()
      },
      (_, response) => void response.destroy(),
    ]
    for (const answer of hostile) {
      api.answer = answer
      const seen = await attack(house, () => call('outside'), calling)
      expect([seen.status, seen.json()['error']]).toEqual([502, 'bad_gateway'])
    }
  })

  it('F14, F16: a redirect out of the base is followed by nobody, and told to nobody', async () => {
    for (const location of [
      `${inside}/a`,
      '//evil.example/a',
      'file:///etc/passwd',
      'data:text/plain,x',
      'calc.exe:x',
    ]) {
      api.answer = (_, response) => void response.writeHead(307, { location }).end()
      const seen = await attack(house, () => call('outside'), calling)
      expect([seen.status, seen.location], location).toEqual([502, undefined])
    }
    api.answer = (_, response) => void response.writeHead(302, { location: '/b?c=d' }).end()
    expect((await call('outside')).location).toBe(`/vault/proxy/${connections['outside']}/b?c=d`)
    expect(api.called.map(({ url }) => url)).toEqual(['/a', '/a', '/a', '/a', '/a', '/a'])
  })

  it('F15 proxy-env: what the environment says about proxies is not believed', async () => {
    const before = { ...process.env }
    Object.assign(process.env, {
      HTTP_PROXY: inside.replace('https', 'http'),
      http_proxy: inside.replace('https', 'http'),
    })
    const seen = await attack(house, () => call('outside'), calling)
    process.env = before
    expect([seen.status, api.called.length]).toEqual([200, 1])
  })
})

describe('L3: no path leaves the base', () => {
  it.each([
    '/../../oauth',
    '/a/%2e%2e/b',
    '/a%2Fb',
    '/a%5Cb',
    '/a;b',
    '//evil.example/a',
    '/a%00',
    '/a%252e',
    '/a%FF',
    '/a//b',
  ])('%s is 400, and the provider hears nothing', async (path) => {
    // `fetch` would resolve the dots itself.
    const { request } = await import('node:http')
    const status = await attack(house, async () => ({
      text: await new Promise<string>((resolve, reject) => {
        const asked = request(
          {
            port: server.port,
            path: `/vault/proxy/${connections['outside']}${path}`,
            headers: { authorization: `Bearer ${token}`, host: `localhost:${server.port}` },
          },
          (response) => {
            response.resume()
            resolve(String(response.statusCode))
          },
        )
        asked.on('error', reject)
        asked.end()
      }),
    }))
    expect([status.text, api.called.length]).toEqual(['400', 0])
  })
})
