import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { eventsOf, expire, keptTokens } from '../vault/house.ts'
import { startUpstreams, walk, waysThrough, type Upstreams, type Way } from './upstreams.ts'

// The vault over the tokens of servers that nobody here wrote, and of our own: from the first curl to the last.

let upstreams: Upstreams
let server: TestGatehouse
const ways = waysThrough(() => upstreams)
const [peerWay, mockWay, ownWay] = ways

beforeAll(async () => {
  upstreams = await startUpstreams()
  await upstreams.own.makeUser('grace')
  server = await startGatehouse({
    config: {
      trustedProxies: ['127.0.0.1'],
      providers: ways.map((way) =>
        upstreams.entry(way, {
          anonymous: true,
          connect_scope: 'openid profile offline_access',
          api_base: way.origin(),
        }),
      ),
    },
  })
  await upstreams.register(server.url)
})
afterAll(() => Promise.all([server.close(), upstreams.close()]))
afterEach(() => {
  upstreams.mock.service.removeAllListeners('beforeResponse')
})

const terminal = { 'x-forwarded-for': '198.51.100.7' }
const post = (path: string, form: Readonly<Record<string, string>>): Promise<Answer> =>
  createBrowser(server.url, terminal).ask(path, { form })

type Started = {
  readonly handle: string
  readonly connect_url: string
  readonly user_code: string
  readonly connection: string
}

async function start(way: Way, more = {}): Promise<Started> {
  const answer = await post('/vault/connect', { provider: way.name, ...more })
  expect([answer.status, answer.text]).toEqual([201, expect.stringContaining('connect_url')])
  return answer.json() as Started
}

/** Through our page, the pages there, and back: the last page. The browser is elsewhere than the terminal. */
async function connect(way: Way, started: Started, fill = way.fill): Promise<Answer> {
  const browser = createBrowser(server.url, { 'x-forwarded-for': '203.0.113.9' })
  const there = createBrowser(way.origin())
  const page = await browser.ask(started.connect_url)
  const form = { user_code: started.user_code, confirm_mine: 'yes' }
  const away = await submit(browser, page, 'connect', form)
  return browser.ask(await walk(server.url, away.location ?? '', { there, fill: fill(there, 'grace') }))
}

/** Connected, and confirmed at the terminal. */
async function connected(way: Way): Promise<Started> {
  const started = await start(way)
  const confirm = codeOf(await connect(way, started))
  expect((await post('/vault/token', { handle: started.handle, confirm })).status).toBe(200)
  return started
}

const codeOf = ({ text }: Answer): string => /id="confirmation_code">([^<]+)</.exec(text)?.[1] ?? ''
const fetched = async ({ handle }: Started): Promise<Record<string, unknown>> =>
  (await post('/vault/token', { handle })).json()

const userinfoPaths = { peer: '/me', mock: '/userinfo', own: '/oauth/userinfo' } as const
const userinfoOf = (way: Way, accessToken: unknown): Promise<Answer> =>
  createBrowser(way.origin()).ask(userinfoPaths[way.name], {
    headers: { authorization: `Bearer ${String(accessToken)}` },
  })

type MockAnswer = { body: unknown; statusCode: number }

/** What the mock server is asked at its token endpoint from now on. */
function refreshesAtMock(change: (response: MockAnswer) => void = () => undefined) {
  const sent: unknown[] = []
  upstreams.mock.service.on('beforeResponse', (response: MockAnswer, request: { body: Record<string, unknown> }) => {
    sent.push(request.body['refresh_token'])
    change(response)
  })
  return sent
}

describe.each(ways)('a connection to $name', (way) => {
  it('is started, agreed to there, confirmed, fetched, used, renewed once for twenty and ended there', async () => {
    const started = await start(way)
    expect(await fetched(started)).toMatchObject({ error: 'authorization_pending' })
    const confirm = codeOf(await connect(way, started))
    expect(await fetched(started)).toMatchObject({ error: 'authorization_pending' })
    const first = (await post('/vault/token', { handle: started.handle, confirm })).json()
    expect(first).toMatchObject({ token_type: 'Bearer', provider: way.name, account: expect.any(String) })
    const me = await userinfoOf(way, first['access_token'])
    expect([me.status, me.json()['sub']]).toEqual([200, first['account']])

    const proxied = await createBrowser(server.url).ask(
      `/vault/proxy/${started.connection}${userinfoPaths[way.name]}`,
      { headers: { authorization: `Bearer ${started.handle}` } },
    )
    expect([proxied.status, proxied.json()['sub']]).toEqual([200, first['account']])

    // oidc-provider ends everything when a refresh token comes to it twice: a second renewal would show at the latest in the next round.
    for (let rotation = 1; rotation <= 3; rotation += 1) {
      await expire(server, started.connection)
      const asked = await Promise.all(Array.from({ length: 20 }, () => fetched(started)))
      const tokens = [...new Set(asked.map((answer) => answer['access_token']))]
      expect([tokens.length, (await userinfoOf(way, tokens[0])).status]).toEqual([1, 200])
    }
    expect((await eventsOf(server, started.connection)).filter((type) => type === 'connection.refreshed')).toHaveLength(
      3,
    )

    const last = (await fetched(started))['access_token']
    expect((await post('/vault/revoke', { handle: started.handle })).status).toBe(200)
    expect(await fetched(started)).toMatchObject({ error: 'expired_token' })
    await expect.poll(() => eventsOf(server, started.connection)).toContain('connection.given_back')
    // The mock server believes every token, also one that it took back.
    if (way !== mockWay) expect((await userinfoOf(way, last)).status).toBe(401)
  })
})

describe('what only a real server says', () => {
  it('a no at our own server is a no at the terminal', async () => {
    const started = await start(ownWay)
    const page = await connect(
      ownWay,
      started,
      (there) => (form) =>
        form.text.includes('<form id="consent"')
          ? submit(there, form, 'consent', { decision: 'deny' })
          : submit(there, form, 'sign-in', { username: 'grace', password }),
    )
    expect(page.text).toContain('id="denied"')
    expect(await fetched(started)).toMatchObject({ error: 'access_denied' })
  })

  it('L21: what its person ended there needs him anew, is said as that, and lives on when he has come', async () => {
    const started = await connected(peerWay)
    const before = await fetched(started)
    const { clientId, clientSecret } = upstreams.peer
    const { refresh = '' } = await keptTokens(server, started.connection)
    const ended = await createBrowser(upstreams.peer.issuer).ask('/token/revocation', {
      form: { token: refresh, token_type_hint: 'refresh_token' },
      headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    })
    expect(ended.status).toBe(200)
    await expire(server, started.connection)
    expect(await fetched(started)).toMatchObject({ error: 'needs_reauth' })
    const again = await start(peerWay, { handle: started.handle })
    const confirm = codeOf(await connect(peerWay, again))
    const answer = await post('/vault/token', { handle: started.handle, confirm })
    expect([answer.status, answer.json()['account']]).toEqual([200, before['account']])
    expect((await userinfoOf(peerWay, answer.json()['access_token'])).status).toBe(200)
  })
})

describe('L29: the clock of a provider that is wrong', () => {
  it.each([
    ['ahead', 600],
    ['behind', -600],
  ])('by ten minutes, %s: its tokens are renewed as always, and live as long as it says', async (_name, seconds) => {
    const started = await connected(ownWay)
    const { expires_in: life } = await fetched(started)
    upstreams.own.clock.advance(seconds)
    for (let rotation = 1; rotation <= 2; rotation += 1) {
      await expire(server, started.connection)
      const answer = await fetched(started)
      expect(answer, JSON.stringify(answer)).toMatchObject({ access_token: expect.any(String) })
      expect(Math.abs(Number(answer['expires_in']) - Number(life))).toBeLessThan(5)
    }
    upstreams.own.clock.advance(-seconds)
  })
})

describe('oauth2-mock-server, whose hook answers', () => {
  it('L21: 400 invalid_grant: asked once, however often somebody fetches', async () => {
    const started = await connected(mockWay)
    await expire(server, started.connection)
    const sent = refreshesAtMock((response) => {
      response.statusCode = 400
      response.body = { error: 'invalid_grant' }
    })
    for (let fetches = 0; fetches < 5; fetches += 1)
      expect(await fetched(started)).toMatchObject({ error: 'needs_reauth' })
    expect(sent).toHaveLength(1)
  })

  it('503: the program is told to come back, and then gets its token', async () => {
    const started = await connected(mockWay)
    await expire(server, started.connection)
    refreshesAtMock((response) => {
      response.statusCode = 503
      response.body = { error: 'temporarily_unavailable' }
    })
    const answer = await post('/vault/token', { handle: started.handle })
    expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, expect.any(Number)])
    upstreams.mock.service.removeAllListeners('beforeResponse')
    server.clock.advance(120)
    expect(await fetched(started)).toMatchObject({ access_token: expect.any(String) })
  })

  it('L22: without a refresh token: the old one is kept, and sent the next time', async () => {
    const started = await connected(mockWay)
    const sent = refreshesAtMock((response) => {
      delete (response.body as Record<string, unknown>)['refresh_token']
    })
    for (let rotation = 1; rotation <= 2; rotation += 1) {
      await expire(server, started.connection)
      expect(await fetched(started)).toMatchObject({ access_token: expect.any(String) })
    }
    expect([sent.length, new Set(sent).size]).toEqual([2, 1])
  })
})
