import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeClient } from '../../src/accounts/change-client.ts'
import { deleteUser } from '../../src/accounts/delete-user.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { signJws } from '../../src/crypto/jws.ts'
import type { OAuthProvider } from '../../src/config/provider.ts'
import type { HeldConnection } from '../../src/domain/connection.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { printConnection } from '../../src/vault/print-connection.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, follow, submit } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, eventsOf, storedConnection } from './house.ts'

let etsy: Etsy
let provider: OAuthProvider
let server: TestGatehouse
let web: MadeClient
let other: MadeClient
let robot: MadeClient
/** Ada, signed in, and what the two clients got of her. */
let ada: { readonly browser: Browser; readonly token: string; readonly otherToken: string; readonly userId: string }
let bob: { readonly browser: Browser; readonly token: string }

beforeAll(async () => {
  etsy = await startEtsy()
  provider = etsyProvider(etsy, { anonymous: false })
  server = await startGatehouse({ config: { providers: [provider] } })
  const scope = 'openid offline_access me vault'
  web = await server.makeClient({ client_id: 'web', client_name: 'The Shop', scope })
  other = await server.makeClient({ client_id: 'other', client_name: 'Another', scope })
  robot = await server.makeClient({
    client_id: 'robot',
    scope: 'vault',
    grant_types: ['client_credentials'],
    redirect_uris: [],
  })
  const { userId } = await server.makeUser('ada')
  await server.makeUser('bob')
  const extra = { scope: 'openid me vault' }
  const first = await codeFlow(server, web, 'ada', { extra })
  const second = await codeFlow(server, other, 'ada', { browser: first.browser, extra })
  ada = { browser: first.browser, token: first.tokens.access_token, otherToken: second.tokens.access_token, userId }
  const third = await codeFlow(server, web, 'bob', { extra })
  bob = { browser: third.browser, token: third.tokens.access_token }
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})

const ask = (path: string, form: Readonly<Record<string, string>>, authorization?: string): Promise<Answer> =>
  createBrowser(server.url).ask(path, { form, headers: authorization === undefined ? {} : { authorization } })

type Start = {
  readonly handle: string
  readonly connect_url: string
  readonly user_code: string
  readonly connection: string
}

async function start(authorization: string, more = {}): Promise<Start> {
  const answer = await ask('/vault/connect', { provider: 'etsy', ...more }, authorization)
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
  return answer.json() as Start
}

async function allow(browser: Browser, started: Start): Promise<Answer> {
  const page = await browser.ask(started.connect_url)
  const left = await submit(browser, page, 'connect', { decision: 'allow' })
  return browser.ask(await consent(left.location ?? ''))
}

const bearer = (token: string): string => `Bearer ${token}`

describe('a connection of an account', () => {
  it('L14: asks for this client before the provider is, and belongs to the account', async () => {
    const started = await start(bearer(ada.token))
    const page = await ada.browser.ask(started.connect_url)
    expect(page.text).toContain('The Shop')
    expect(page.text).not.toContain('user_code')
    await allow(ada.browser, started)
    const byHandle = await ask('/vault/token', { handle: started.handle })
    expect(byHandle.json()).toMatchObject({ provider: 'etsy', account: '123456789' })
    const byId = await ask('/vault/token', { connection: started.connection }, bearer(ada.token))
    expect(byId.json()['access_token']).toBe(byHandle.json()['access_token'])
  })

  it('L14: a client that the account agreed to nothing with gets nothing of it', async () => {
    const started = await start(bearer(ada.token))
    await allow(ada.browser, started)
    for (const path of ['/vault/token', '/vault/revoke']) {
      const answer = await ask(path, { connection: started.connection }, bearer(ada.otherToken))
      expect([answer.status, answer.json()['error']], path).toEqual([400, 'access_denied'])
    }
    expect((await ask('/vault/token', { connection: started.connection }, bearer(ada.token))).status).toBe(200)
  })

  it('L04, L05: opens in a session of that account alone', async () => {
    const started = await start(bearer(ada.token))
    const theirs = await bob.browser.ask(started.connect_url)
    expect([theirs.status, theirs.location]).toEqual([400, undefined])
    const nobody = createBrowser(server.url)
    const away = await nobody.ask(started.connect_url)
    expect(away.location).toMatch(/^\/signin\?next=/)
    // Whoever signs in as the account comes back to it.
    const signIn = await follow(server, nobody, away)
    const back = await submit(nobody, signIn, 'sign-in', { username: 'ada', password })
    expect(back.location).toBe(new URL(started.connect_url).pathname)
    expect((await nobody.ask(back.location ?? '')).text).toContain('id="connect"')
  })

  it('L04: a callback in a session of another account keeps nothing', async () => {
    const started = await start(bearer(ada.token))
    const browser = createBrowser(server.url)
    const signIn = await follow(server, browser, await browser.ask(started.connect_url))
    await follow(server, browser, await submit(browser, signIn, 'sign-in', { username: 'ada', password }))
    const page = await browser.ask(started.connect_url)
    const left = await submit(browser, page, 'connect', { decision: 'allow' })
    const callback = await consent(left.location ?? '')
    // The same browser, where somebody else is signed in by now.
    for (const [name, value] of bob.browser.cookies) if (name.includes('session')) browser.cookies.set(name, value)
    expect((await browser.ask(callback)).status).toBe(400)
    expect((await ask('/vault/token', { handle: started.handle })).json()['error']).toBe('authorization_pending')
  })

  it('L13: somebody else’s is the same as none, to fetch and to end', async () => {
    const started = await start(bearer(ada.token))
    await allow(ada.browser, started)
    for (const path of ['/vault/token', '/vault/revoke']) {
      const theirs = await ask(path, { connection: started.connection }, bearer(bob.token))
      const absent = await ask(path, { connection: 'nothing' }, bearer(bob.token))
      expect([theirs.status, theirs.text]).toEqual([404, absent.text])
    }
  })

  it('RFC 8725 §3.9: a token for another API, or for several, is no key to the vault', async () => {
    const claims = JSON.parse(Buffer.from(ada.token.split('.')[1] ?? '', 'base64url').toString()) as object
    const withAudience = (aud: string | readonly string[]) =>
      signJws(server.core.keys.signing('ES256'), 'at+jwt', JSON.stringify({ ...claims, aud }))
    await start(bearer(withAudience(server.url)))
    for (const aud of ['https://api.example', [server.url, 'https://api.example']]) {
      const answer = await ask('/vault/connect', { provider: 'etsy' }, bearer(withAudience(aud)))
      expect([answer.status, answer.json()['error']]).toEqual([401, 'invalid_token'])
    }
  })

  it('withdrawing consent ends every fetch at once, and giving it again brings it back', async () => {
    const started = await start(bearer(ada.token))
    await allow(ada.browser, started)
    const { access_token: token } = (await codeFlow(server, other, 'ada', { extra: { scope: 'openid me' } })).tokens
    const withdrawn = await createBrowser(server.url).ask('/api/v1/me/consents/web', {
      method: 'DELETE',
      headers: { authorization: bearer(token) },
    })
    expect(withdrawn.status).toBe(204)
    const answer = await ask('/vault/token', { handle: started.handle })
    expect([answer.status, answer.json()['error']]).toEqual([400, 'access_denied'])
    // The grants went with the consent: the client begins anew.
    const again = await codeFlow(server, web, 'ada', { browser: ada.browser, extra: { scope: 'openid me vault' } })
    ada = { ...ada, token: again.tokens.access_token }
    await allow(ada.browser, await start(bearer(ada.token)))
    expect((await ask('/vault/token', { handle: started.handle })).status).toBe(200)
  })

  it('a no on our page is a no, and the provider never hears of it', async () => {
    const started = await start(bearer(ada.token), { return_to: 'https://app.example/cb' })
    const page = await ada.browser.ask(started.connect_url)
    const answer = await submit(ada.browser, page, 'connect', { decision: 'deny' })
    expect(Object.fromEntries(new URL(answer.location ?? '').searchParams)).toEqual({
      connection: started.connection,
      error: 'access_denied',
      iss: server.url,
    })
    expect((await ask('/vault/token', { handle: started.handle })).json()['error']).toBe('access_denied')
  })

  it('is listed and ended over REST, and on the account page', async () => {
    const [one, two] = [await start(bearer(ada.token)), await start(bearer(ada.token))]
    await allow(ada.browser, one)
    await allow(ada.browser, two)
    const headers = { authorization: bearer(ada.token) }
    const list = await createBrowser(server.url).ask('/api/v1/me/connections?limit=100', { headers })
    const items = list.json()['items'] as readonly { connection_id: string }[]
    expect(items.map((item) => item.connection_id)).toEqual(expect.arrayContaining([one.connection, two.connection]))
    expect(list.text).not.toContain('123456789.')
    await transition(server.core.transition, { connection: ref('connection', two.connection) }, ({ connection }) => ({
      writes: [put(connection, { ...(connection.value as HeldConnection), unsure: true }, { expiresAt: null })],
      result: undefined,
    }))
    const marked = (id: string) =>
      createBrowser(server.url)
        .ask(`/api/v1/me/connections/${id}`, { headers })
        .then((answer) => answer.json()['unsure'])
    expect([await marked(one.connection), await marked(two.connection)]).toEqual([false, true])
    const ended = await createBrowser(server.url).ask(`/api/v1/me/connections/${one.connection}`, {
      method: 'DELETE',
      headers,
    })
    expect(ended.status).toBe(204)
    expect((await ask('/vault/token', { handle: one.handle })).json()['error']).toBe('expired_token')

    const page = await ada.browser.ask('/account/connections')
    expect(page.text).toContain(`data-connection="${two.connection}"`)
    await submit(ada.browser, page, 'connections', { connection_id: two.connection })
    expect((await ask('/vault/token', { handle: two.handle })).json()['error']).toBe('expired_token')
    expect(await eventsOf(server, two.connection)).toContain('connection.revoked')
  })
})

describe('a connection of a client', () => {
  it('is the client’s alone, started with its own authentication and the code of the terminal', async () => {
    const started = await start(robot.basic)
    const browser = createBrowser(server.url)
    const page = await browser.ask(started.connect_url)
    const left = await submit(browser, page, 'connect', { user_code: started.user_code, confirm_mine: 'yes' })
    await browser.ask(await consent(left.location ?? ''))
    expect((await ask('/vault/token', { connection: started.connection }, robot.basic)).status).toBe(200)
    expect((await ask('/vault/token', { connection: started.connection }, other.basic)).status).toBe(404)
    expect((await ask('/vault/revoke', { connection: started.connection }, robot.basic)).status).toBe(200)
  })

  it('A31: ends its use where the client lost the scope vault, also by the handle', async () => {
    const demoted = await server.makeClient({
      client_id: 'demoted',
      scope: 'vault read',
      grant_types: ['client_credentials'],
      redirect_uris: [],
    })
    const started = await start(demoted.basic)
    const browser = createBrowser(server.url)
    const page = await browser.ask(started.connect_url)
    const left = await submit(browser, page, 'connect', { user_code: started.user_code, confirm_mine: 'yes' })
    await browser.ask(await consent(left.location ?? ''))
    const { handle } = started
    const proxied = () =>
      createBrowser(server.url).ask(`/vault/proxy/${started.connection}/v3/application/openapi-ping`, {
        headers: { authorization: bearer(handle) },
      })
    expect([(await ask('/vault/token', { handle })).status, (await proxied()).status]).toEqual([200, 200])
    await changeClient(server.core, { actor: { kind: 'cli' }, clientId: 'demoted', fields: { scope: 'read' } })
    const answer = await ask('/vault/token', { handle })
    expect([answer.status, answer.json()['error'], (await proxied()).status]).toEqual([400, 'access_denied', 400])
  })

  it('L12: begins no more than its owner has room for, from however many addresses, and others begin as before', async () => {
    const busy = await server.makeClient({
      client_id: 'busy',
      scope: 'vault',
      grant_types: ['client_credentials'],
      redirect_uris: [],
    })
    const { limits } = server.core
    while (!('retryAfterSeconds' in limits.reserve('connect-owned', ['client:busy'])));
    const refused = await ask('/vault/connect', { provider: 'etsy' }, busy.basic)
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([429, 2])
    await start(robot.basic)
    while (!('retryAfterSeconds' in limits.reserve('connect-owned', [ada.userId])));
    expect((await ask('/vault/connect', { provider: 'etsy' }, bearer(ada.token))).status).toBe(429)
    const { connection } = await start(bearer(bob.token))
    expect(connection).not.toBe('')
    server.clock.advance(2)
    // What is finished gives back what it took.
    const started = await start(busy.basic)
    expect((await ask('/vault/connect', { provider: 'etsy' }, busy.basic)).status).toBe(429)
    const browser = createBrowser(server.url)
    const page = await browser.ask(started.connect_url)
    const left = await submit(browser, page, 'connect', { user_code: started.user_code, confirm_mine: 'yes' })
    await browser.ask(await consent(left.location ?? ''))
    await start(busy.basic)
    server.clock.advance(700)
  })

  it('is listed, shown and ended over REST by the client’s own token, and by no other', async () => {
    const tokenOf = async (client: MadeClient) => {
      const granted = await ask('/oauth/token', { grant_type: 'client_credentials', scope: 'vault' }, client.basic)
      return String(granted.json()['access_token'])
    }
    const another = await server.makeClient({
      client_id: 'another-robot',
      scope: 'vault',
      grant_types: ['client_credentials'],
      redirect_uris: [],
    })
    const id = await connectDirectly(server, provider, { kind: 'client', clientId: 'robot' })
    const [mine, theirs] = [await tokenOf(robot), await tokenOf(another)]
    const rest = (token: string, method = 'GET', rest = '') =>
      createBrowser(server.url).ask(`/api/v1/me/connections${rest}`, {
        method,
        headers: { authorization: bearer(token) },
      })
    const listed = await rest(mine)
    expect(listed.json()['items']).toMatchObject([{ connection_id: id, provider: 'etsy', state: 'active' }])
    expect(listed.text).not.toContain('123456789.')
    expect((await rest(theirs)).json()['items']).toEqual([])
    for (const token of [theirs, ada.token])
      expect([(await rest(token, 'GET', `/${id}`)).status, (await rest(token, 'DELETE', `/${id}`)).status]).toEqual([
        404, 404,
      ])
    // Nor does a client's name in the scope `vault` open what is a person's.
    const hers = await connectDirectly(server, provider, { kind: 'user', userId: ada.userId })
    expect((await rest(mine, 'GET', `/${hers}`)).status).toBe(404)
    expect((await rest(mine, 'DELETE', `/${id}`)).status).toBe(204)
    expect((await ask('/vault/token', { connection: id }, robot.basic)).json()['error']).toBe('expired_token')
  })

  it('a public client, one without the scope vault, and a token without it start nothing', async () => {
    const open = await server.makeClient({
      client_id: 'open',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      scope: 'openid',
    })
    expect((await ask('/vault/connect', { provider: 'etsy', client_id: open.clientId })).status).toBe(401)
    const plain = await server.makeClient({ client_id: 'plain', scope: 'openid read' })
    expect((await ask('/vault/connect', { provider: 'etsy' }, plain.basic)).json()['error']).toBe('unauthorized_client')
    const { access_token: token } = (await codeFlow(server, web, 'bob', { extra: { scope: 'openid' } })).tokens
    const answer = await ask('/vault/connect', { provider: 'etsy' }, bearer(token))
    expect([answer.status, answer.json()['error']]).toEqual([403, 'insufficient_scope'])
  })

  it('return_to takes only what the client registered', async () => {
    const answer = await ask(
      '/vault/connect',
      { provider: 'etsy', return_to: 'https://evil.example/cb' },
      bearer(ada.token),
    )
    expect(answer.status).toBe(400)
    const started = await start(bearer(ada.token), { return_to: 'https://app.example/cb' })
    const back = await allow(ada.browser, started)
    expect(back.location).toBe(
      `https://app.example/cb?connection=${started.connection}&iss=${encodeURIComponent(server.url)}`,
    )
  })
})

describe('whoever owns it', () => {
  it('leaves nothing behind but the errand that gives the tokens back', async () => {
    const { userId } = await server.makeUser('fay')
    const id = await connectDirectly(server, provider, { kind: 'user', userId })
    expect(await deleteUser(server.core, { actor: { kind: 'cli' }, userId })).toHaveProperty('done')
    const errands: string[] = []
    for await (const { value } of server.core.admin.scan('revocation'))
      if ('connectionId' in value) errands.push(value.connectionId)
    const events = await eventsOf(server, id)
    // Or it has been run already.
    expect(errands.includes(id) || events.includes('connection.given_back')).toBe(true)
    expect(await server.core.vault.freshToken({ connection: id })).toEqual({ outcome: 'unknown' })
    expect(events).toContain('connection.revoked')
  })

  it('an account that is locked gets nothing, and a client only what is its own', async () => {
    const { userId } = await server.makeUser('eve')
    const id = await connectDirectly(server, provider, { kind: 'user', userId })
    expect((await server.core.vault.freshToken({ connection: id })).outcome).toBe('token')
    const clientOwned = await connectDirectly(server, provider, { kind: 'client', clientId: 'robot' })
    expect((await server.core.vault.freshToken({ connection: clientOwned })).outcome).toBe('token')
    const admin = { actor: { kind: 'cli' } } as const
    await patchUser({ ...server.core, strength: async () => undefined }, { ...admin, userId, patch: { locked: true } })
    expect(await server.core.vault.freshToken({ connection: id })).toEqual({ outcome: 'unknown' })
  })
})

describe('INV6: what nobody has asked for since its refresh token ended', () => {
  const day = 86_400

  /** As if its tokens had come so many days ago. */
  async function keptFor(days: number): Promise<string> {
    const { core } = server
    const id = await connectDirectly(server, provider, { kind: 'user', userId: ada.userId })
    await transition(core.transition, { slot: ref('connection', id) }, ({ slot }, now) => {
      const issuedAt = now - days * day
      const old = { ...(slot.value as HeldConnection), issuedAt, expiresAt: issuedAt + 3600 }
      return { writes: [put(slot, old, { expiresAt: null })], result: undefined }
    })
    return id
  }

  it('says that it needs its person wherever it is listed, and one that can be renewed yet does not', async () => {
    const [over, alive] = [await keptFor(90), await keptFor(89)]
    const headers = { authorization: bearer(ada.token) }
    const listed = await createBrowser(server.url).ask('/api/v1/me/connections?limit=100', { headers })
    const items = listed.json()['items'] as readonly Readonly<Record<string, unknown>>[]
    const shown = (id: string) => items.find((item) => item['connection_id'] === id)
    expect(shown(over)).toMatchObject({ state: 'needs_reauth', reason: 'expired' })
    expect(shown(alive)).toMatchObject({ state: 'active', reason: null })
    const page = (await ada.browser.ask('/account/connections')).text
    expect([over, alive].map((id) => page.includes(`name="renew" value="${id}"`))).toEqual([true, false])
    const { core } = server
    const [instance, now] = [await core.directory.instance(), core.clock.seconds()]
    const standing = { instance, providers: core.upstream.providers, now }
    const printed = async (id: string) => printConnection(standing, id, await storedConnection(server, id))
    expect(await printed(over)).toMatchObject({ state: 'needs_reauth', reason: 'expired', account: '123456789' })
    expect(await printed(alive)).toMatchObject({ state: 'active', reason: null })
    expect((await core.vault.freshToken({ connection: over })).outcome).toBe('needs_reauth')
    expect((await core.vault.freshToken({ connection: alive })).outcome).toBe('token')
  })
})
