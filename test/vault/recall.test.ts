import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { finishRecalls, recallConnections, recallProgress } from '../../src/vault/recall-connections.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, eventsOf, storedConnection } from './house.ts'

let etsy: Etsy
let server: TestGatehouse
let provider: OAuthProvider
let other: OAuthProvider
let web: MadeClient
let root: { readonly token: string; readonly userId: string }

beforeAll(async () => {
  etsy = await startEtsy()
  provider = etsyProvider(etsy)
  other = etsyProvider(etsy, { name: 'elsewhere', callback_path: '/elsewhere' })
  server = await startGatehouse({ config: { providers: [provider, other] } })
  web = await server.makeClient({ client_id: 'web', scope: 'openid me admin vault' })
  const { userId } = await server.makeUser('root', { role: 'superuser' })
  root = { userId, token: await tokenOf('root') }
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})

const tokenOf = async (name: string, scope = 'openid me admin vault'): Promise<string> =>
  (await codeFlow(server, web, name, { extra: { scope } })).tokens.access_token

const path = '/api/v1/providers/etsy/revoke-connections'
const call = (token: string, method: 'GET' | 'POST', at = path): Promise<Answer> =>
  createBrowser(server.url).ask(at, { method, headers: { authorization: `Bearer ${token}` } })
const fetched = async (connection: string) => (await server.core.vault.freshToken({ connection })).outcome

describe('L25: every connection of a provider is ended by one call', () => {
  it('whoever owns it, at once and for good; what another provider gave stays, and so does what comes afterwards', async () => {
    const owners = [{ kind: 'handle' }, { kind: 'user', userId: root.userId }] as const
    const ids = await Promise.all(owners.map((owner) => connectDirectly(server, provider, owner)))
    const spared = await connectDirectly(server, other)
    const answer = await call(root.token, 'POST')
    expect([answer.status, answer.json()]).toMatchObject([200, { provider: 'etsy', revoked_at: expect.any(Number) }])
    for (const id of ids) expect(await fetched(id)).toBe('revoked')
    expect(await fetched(spared)).toBe('token')
    // Etsy takes nothing back, and that is the end of it, too.
    await expect
      .poll(async () => (await call(root.token, 'GET')).json())
      .toMatchObject({ left: 0, waiting: 0, finished_at: expect.any(Number) })
    // Both may be of one millisecond, and then stand in any order.
    for (const id of ids)
      expect((await eventsOf(server, id)).toSorted()).toEqual(['connection.given_back', 'connection.revoked'])
    const after = await connectDirectly(server, provider)
    server.core.vault.finishRecalls()
    expect(await fetched(after)).toBe('token')
  })

  it('what somebody is about to connect comes to nothing', async () => {
    const curl = createBrowser(server.url)
    const started = (await curl.ask('/vault/connect', { form: { provider: 'etsy' } })).json()
    const browser = createBrowser(server.url)
    const page = await browser.ask(String(started['connect_url']))
    const proof = { user_code: String(started['user_code']), confirm_mine: 'yes' }
    const left = await submit(browser, page, 'connect', proof)
    // As long as nobody has got to it.
    await recallConnections(server.core, { actor: { kind: 'cli' }, provider: 'etsy' })
    expect((await browser.ask(await consent(left.location ?? ''))).status).toBe(400)
    server.core.vault.finishRecalls()
    const handle = String(started['handle'])
    await expect.poll(async () => (await storedConnection(server, String(started['connection']))).state).toBe('revoked')
    const answer = await curl.ask('/vault/token', { form: { handle } })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'expired_token'])
  })

  it('is worth nothing before its own end is written, also where the one who was at it died', async () => {
    const id = await connectDirectly(server, provider, { kind: 'user', userId: root.userId })
    // As on a server that died behind the first commit.
    await recallConnections(server.core, { actor: { kind: 'cli' }, provider: 'etsy' })
    expect((await storedConnection(server, id)).state).toBe('active')
    expect(await fetched(id)).toBe('revoked')
    const listed = await call(root.token, 'GET', '/api/v1/me/connections')
    expect(listed.text).not.toContain(id)
    expect((await call(root.token, 'GET')).json()).toMatchObject({ left: 1, finished_at: null })
    await finishRecalls(server.core)
    expect((await call(root.token, 'GET')).json()).toMatchObject({ left: 0, finished_at: expect.any(Number) })
  })

  it('a refresh under way gives its tokens back', async () => {
    const id = await connectDirectly(server, provider)
    server.clock.advance(4000)
    const token = await tokenOf('root')
    etsy.faults.push('slow')
    const renewing = fetched(id)
    await expect.poll(async () => (await storedConnection(server, id)).intent).toBeDefined()
    await call(token, 'POST')
    expect(await renewing).toBe('revoked')
    await expect
      .poll(async () => (await eventsOf(server, id)).filter((type) => type === 'connection.given_back').length)
      .toBeGreaterThan(0)
  })

  it('is a superuser’s to do, and an administrator’s to watch', async () => {
    await server.makeUser('adm', { role: 'admin' })
    await server.makeUser('ed')
    const [admin, editor] = [await tokenOf('adm'), await tokenOf('ed', 'openid me')]
    expect((await call(admin, 'POST')).status).toBe(403)
    expect((await call(admin, 'GET')).status).toBe(200)
    expect((await call(editor, 'GET')).status).toBe(403)
    expect((await call(admin, 'GET', '/api/v1/providers/nope/revoke-connections')).status).toBe(404)
  })

  it('by a node whose clock is behind that of the one on which it was connected, and not what comes afterwards', async () => {
    const id = await connectDirectly(server, provider)
    const { clock } = server.core
    const behind = { ...clock, seconds: () => clock.seconds() - 30, millis: () => clock.millis() - 30_000 }
    const context = { ...server.core, clock: behind, transition: { ...server.core.transition, clock: behind } }
    await recallConnections(context, { actor: { kind: 'cli' }, provider: 'etsy' })
    const anew = await connectDirectly(server, provider)
    await finishRecalls(context)
    expect([await fetched(id), await fetched(anew)]).toEqual(['revoked', 'token'])
  })

  it('what is connected anew in the same second stays, whoever finishes when, also beside a second recall', async () => {
    const recalled = () => recallConnections(server.core, { actor: { kind: 'cli' }, provider: 'etsy' })
    const before = await connectDirectly(server, provider)
    await recalled()
    const between = await connectDirectly(server, provider)
    expect([await fetched(before), await fetched(between)]).toEqual(['revoked', 'token'])
    await recalled()
    const after = await connectDirectly(server, provider)
    await finishRecalls(server.core)
    expect([await fetched(between), await fetched(after)]).toEqual(['revoked', 'token'])
    expect((await storedConnection(server, after)).state).toBe('active')
    expect(await recallProgress(server.core, 'etsy')).toMatchObject({
      left: 0,
      recall: { finishedAt: expect.any(Number) },
    })
  })

  it('one that comes while another is being finished stands, and is finished by itself', async () => {
    const recalled = () => recallConnections(server.core, { actor: { kind: 'cli' }, provider: 'etsy' })
    const { store } = server.core.transition
    await recalled()
    const between = await connectDirectly(server, provider)
    const list = vi.spyOn(store, 'list').mockImplementationOnce(async (kind, owner, page) => {
      // What it read of the first one is of before.
      await recalled()
      return store.list(kind, owner, page)
    })
    await finishRecalls(server.core)
    list.mockRestore()
    expect(await fetched(between)).toBe('revoked')
    expect(await recallProgress(server.core, 'etsy')).toMatchObject({ left: 1 })
    await finishRecalls(server.core)
    expect((await storedConnection(server, between)).state).toBe('revoked')
    const { left, recall } = await recallProgress(server.core, 'etsy')
    expect([left, recall?.finishedAt]).toEqual([0, expect.any(Number)])
  })

  it('is for those alone who may end everything', async () => {
    const user = await server.makeUser('eager')
    const actor = { kind: 'user', user, scopes: ['me'] } as const
    const before = await server.core.directory.instance()
    expect(await recallConnections(server.core, { actor, provider: 'etsy' })).toMatchObject({
      refused: { status: 403 },
    })
    expect((await server.core.directory.instance()).recalls).toEqual(before.recalls)
  })
})
