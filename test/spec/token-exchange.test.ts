import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identityNameRef } from '../../src/accounts/identity-refs.ts'
import { changeWrites } from '../../src/accounts/change-writes.ts'
import { changeResource } from '../../src/accounts/write-resource.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { signJws } from '../../src/crypto/jws.ts'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { put, ref } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'
import { transition } from '../../src/store/transition.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startSite, type Site } from '../emulators/site.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { claimsOf, codeFlow, submit, tokenRequest, type Extra } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { narrow } from '../kit/macaroons.ts'
import { readProvider } from '../upstream/house.ts'
import { connectDirectly, etsyProvider, eventsOf, keptTokens } from '../vault/house.ts'

// RFC 8693

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
const api = 'https://shop-tools.example'

let etsy: Etsy
let site: Site
let provider: OAuthProvider
let server: TestGatehouse
/** What people use, and what stands behind it: an API that is a confidential client itself. */
let app: MadeClient
let tools: MadeClient
let ada: User
let shop: string

beforeAll(async () => {
  ;[etsy, site] = await Promise.all([startEtsy(), startSite()])
  provider = etsyProvider(etsy)
  const forum = readProvider({
    name: 'forum',
    preset: 'site-login',
    issuer: 'https://forum.example',
    login_endpoint: `${site.url}/auth/login`,
    session_endpoint: `${site.url}/auth/session`,
    sign_in: 'existing',
    allow_insecure: true,
    credential_clients: ['tools', 'library'],
  })
  server = await startGatehouse({ config: { providers: [provider, forum] } })
  ada = await server.makeUser('ada')
  await server.makeResource({
    resource: api,
    scope: 'read vault:etsy vault:forum',
    access_token: { format: 'jwt', ttl: 600 },
    introspection_clients: ['tools'],
  })
  app = await server.makeClient({ client_id: 'app', scope: 'openid read vault:etsy vault:forum' })
  tools = await exchanger('tools')
  await exchanger('others')
  shop = await connectDirectly(server, provider, { kind: 'user', userId: ada.userId })
})
afterAll(async () => {
  await server.close()
  await Promise.all([etsy.close(), site.close()])
})

/** A confidential client with this grant, which people can agree to, too. */
function exchanger(clientId: string, more: Readonly<Record<string, unknown>> = {}): Promise<MadeClient> {
  return server.makeClient({
    client_id: clientId,
    grant_types: ['authorization_code', grant],
    scope: 'openid vault:etsy',
    ...more,
  })
}

/** Ada's token for the API, as the application sends it there. */
async function shown(extra: Extra = {}): Promise<string> {
  const flow = await codeFlow(server, app, 'ada', {
    extra: { resource: api, scope: 'openid read vault:etsy', ...extra },
  })
  return flow.tokens.access_token
}

const agree = (client: MadeClient) => codeFlow(server, client, 'ada', { extra: { scope: 'openid vault:etsy' } })

function exchange(subject: string, more: Extra = {}, client = tools): Promise<Answer> {
  const form = { grant_type: grant, subject_token: subject, subject_token_type: accessToken, audience: 'etsy', ...more }
  return tokenRequest(server, client, Object.fromEntries(Object.entries(form).filter(([, value]) => value !== '')))
}

const errorOf = (answer: Answer) => [answer.status, answer.json()['error']]

describe('an API gets the upstream token of the person who calls it', () => {
  test('once he has agreed to this very API; never the refresh token', async () => {
    const subject = await shown()
    // L14: that he agreed to the application is not enough.
    expect(errorOf(await exchange(subject))).toEqual([400, 'invalid_target'])
    await agree(tools)
    const before = (await eventsOf(server, shop)).length
    const answer = await exchange(subject, { requested_token_type: accessToken, scope: 'listings_r' })
    const { access } = await keptTokens(server, shop)
    expect([answer.status, answer.json()]).toEqual([
      200,
      {
        access_token: access,
        issued_token_type: accessToken,
        token_type: 'Bearer',
        expires_in: expect.any(Number) as number,
        scope: 'listings_r listings_w',
      },
    ])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect((await eventsOf(server, shop)).slice(before)).toEqual(['connection.fetched'])
  })

  test('a consent that is taken back ends it at once', async () => {
    const other = await exchanger('fickle')
    await server.makeResource({
      resource: 'https://fickle.example',
      scope: 'vault:etsy',
      introspection_clients: ['fickle'],
    })
    const flow = await codeFlow(server, app, 'ada', {
      extra: { resource: 'https://fickle.example', scope: 'vault:etsy' },
    })
    const subject = flow.tokens.access_token
    const mine = await agree(other)
    expect((await exchange(subject, {}, other)).status).toBe(200)
    await server.core.transition.store.commit(
      (await server.core.transition.store.read([{ kind: 'consent', id: `${ada.userId}:fickle` }])).flatMap((found) =>
        found === undefined ? [] : [{ op: 'delete', kind: 'consent', id: found.id, expect: found.version } as const],
      ),
    )
    expect(errorOf(await exchange(subject, {}, other))).toEqual([400, 'invalid_target'])
    expect(claimsOf(mine.tokens.access_token)['sub']).toBe(ada.userId)
  })

  test('a connection that needs its person says so', async () => {
    const eve = await server.makeUser('eve')
    const id = await connectDirectly(server, provider, { kind: 'user', userId: eve.userId })
    const flow = await codeFlow(server, app, 'eve', { extra: { resource: api, scope: 'read vault:etsy' } })
    await codeFlow(server, tools, 'eve', { extra: { scope: 'openid vault:etsy' } })
    etsy.faults.length = 0
    const before = etsy.liveRefreshTokens().length
    etsy.revokeAll()
    expect(before).toBeGreaterThan(0)
    await server.core.vault.freshToken({ connection: id, rejected: 1 })
    expect(errorOf(await exchange(flow.tokens.access_token))).toEqual([400, 'needs_reauth'])
    shop = await connectDirectly(server, provider, { kind: 'user', userId: ada.userId })
  })

  test('of several connections it names one', async () => {
    const subject = await shown()
    expect(errorOf(await exchange(subject))).toEqual([400, 'invalid_target'])
    expect((await exchange(subject, { connection: shop })).status).toBe(200)
    expect(errorOf(await exchange(subject, { connection: 'another' }))).toEqual([400, 'invalid_target'])
  })
})

describe('and nobody else does', () => {
  test.each([
    ['no subject token', { subject_token: '' }, 'invalid_request'],
    ['no type of it', { subject_token_type: '' }, 'invalid_request'],
    ['another type of it', { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, 'invalid_request'],
    [
      'another type wanted',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
    ],
    ['an actor', { actor_token: 'x', actor_token_type: accessToken }, 'invalid_request'],
    ['a resource beside it', { resource: 'https://api.etsy.com' }, 'invalid_request'],
    ['a subject token that is none', { subject_token: 'x' }, 'invalid_request'],
    ['no provider', { audience: '' }, 'invalid_target'],
    ['a provider that is none', { audience: 'github' }, 'invalid_target'],
    ['more scope than there is', { scope: 'listings_r transactions_w' }, 'invalid_scope'],
  ])('with %s', async (_, more, error) => {
    const answer = await exchange(await shown(), { connection: shop, ...more })
    expect(errorOf(answer)).toEqual([400, error])
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('C26 exchange-escalation: not with a token that wasn’t shown to it, was made for less, or is the client’s own', async () => {
    const others = await exchanger('stranger')
    await agree(others)
    expect(errorOf(await exchange(await shown(), { connection: shop }, others))).toEqual([400, 'invalid_request'])
    expect(errorOf(await exchange(await shown({ scope: 'openid read' }), { connection: shop }))).toEqual([
      400,
      'invalid_request',
    ])
    const own = (await agree(tools)).tokens.access_token
    expect(errorOf(await exchange(own, { connection: shop }))).toEqual([400, 'invalid_request'])
  })

  test('not with somebody else’s connection (L13)', async () => {
    const foreign = await connectDirectly(server, provider, { kind: 'client', clientId: 'tools' })
    expect(errorOf(await exchange(await shown(), { connection: foreign }))).toEqual([400, 'invalid_target'])
  })

  test('not a public client, nor one without this grant', async () => {
    await expect(exchanger('open', { token_endpoint_auth_method: 'none' })).rejects.toThrow()
    expect(errorOf(await exchange(await shown(), { connection: shop }, app))).toEqual([400, 'unauthorized_client'])
  })

  test('not with a token that is bound to a key, which nobody proves here (RFC 7800 §3.1, RFC 8705 §3.1, RFC 9449 §6)', async () => {
    const claims = JSON.parse(Buffer.from((await shown()).split('.')[1] ?? '', 'base64url').toString()) as object
    const signed = (more: object) =>
      signJws(server.core.keys.signing('ES256'), 'at+jwt', JSON.stringify({ ...claims, ...more }))
    expect((await exchange(signed({}), { connection: shop })).status).toBe(200)
    for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, {}, null])
      expect(errorOf(await exchange(signed({ cnf }), { connection: shop }))).toEqual([400, 'invalid_request'])
  })

  test('not with a token for several APIs, nor for one that is switched off', async () => {
    const claims = JSON.parse(Buffer.from((await shown()).split('.')[1] ?? '', 'base64url').toString()) as object
    const forBoth = signJws(
      server.core.keys.signing('ES256'),
      'at+jwt',
      JSON.stringify({ ...claims, aud: [api, 'https://other.example'] }),
    )
    expect(errorOf(await exchange(forBoth, { connection: shop }))).toEqual([400, 'invalid_request'])
    const subject = await shown()
    const switched = async (disabled: boolean) => {
      const place = ref('resource', api)
      const told = changeWrites(server.core, { type: 'resource.changed', target: api, actor: 'test' }, [place])
      await transition(server.core.transition, { slot: place }, ({ slot }, now) => {
        if (slot.value === undefined) throw new Error('no such resource')
        return {
          writes: [put(slot, { ...slot.value, disabled }, { expiresAt: null }), ...told(now)],
          result: undefined,
        }
      })
    }
    await switched(true)
    expect(errorOf(await exchange(subject, { connection: shop }))).toEqual([400, 'invalid_request'])
    await switched(false)
    expect((await exchange(subject, { connection: shop })).status).toBe(200)
  })

  test('not with a token of a client of one machine alone that comes from elsewhere', async () => {
    const local = await server.makeClient({ client_id: 'local', loopback_only: true, scope: 'openid read vault:etsy' })
    const { tokens } = await codeFlow(server, local, 'ada', { extra: { resource: api, scope: 'read vault:etsy' } })
    const from = (headers: Readonly<Record<string, string>>) =>
      createBrowser(server.url).ask('/oauth/token', {
        form: {
          grant_type: grant,
          subject_token: tokens.access_token,
          subject_token_type: accessToken,
          audience: 'etsy',
          connection: shop,
        },
        headers: { authorization: tools.basic, ...headers },
      })
    expect((await from({})).status).toBe(200)
    expect(errorOf(await from({ 'x-forwarded-for': '198.51.100.7' }))).toEqual([400, 'invalid_request'])
  })

  test('not for a person who may not hold that scope of the API any more', async () => {
    const subject = await shown()
    const hold = (held_scopes: readonly string[] | null) =>
      changeResource(
        server.core,
        { actor: { kind: 'cli' }, issuer: server.url },
        { resource: api, fields: { held_scopes } },
      )
    expect((await exchange(subject, { connection: shop })).status).toBe(200)
    await hold(['vault:etsy'])
    expect(errorOf(await exchange(subject, { connection: shop }))).toEqual([400, 'invalid_request'])
    await hold(null)
    expect((await exchange(subject, { connection: shop })).status).toBe(200)
  })

  test('not with a macaroon whose caveats this call does not meet, or that was narrowed to less', async () => {
    const narrowed = 'https://narrowed.example'
    await server.makeResource({
      resource: narrowed,
      scope: 'read vault:etsy',
      access_token: { format: 'macaroon' },
      introspection_clients: ['tools'],
    })
    const subject = await shown({ resource: narrowed, scope: 'read vault:etsy' })
    const at = (seconds: number) => `${new Date((server.clock.seconds() + seconds) * 1000).toISOString().slice(0, 19)}Z`
    const asked = (...caveats: readonly string[]) => exchange(narrow(subject, ...caveats), { connection: shop })
    expect((await exchange(subject, { connection: shop })).status).toBe(200)
    for (const met of [`time < ${at(60)}`, 'scope = vault:etsy', `aud = ${narrowed}`])
      expect([met, (await asked(met)).status]).toEqual([met, 200])
    // Nobody says here what the API was called with, so what depends on that isn't met.
    for (const unmet of [
      'method = POST',
      'path = /oauth/token',
      'endpoint = token',
      `connection = ${shop}`,
      'ip = 127.0.0.1',
    ])
      expect([unmet, ...errorOf(await asked(unmet))]).toEqual([unmet, 400, 'invalid_request'])
    for (const less of ['scope = read', `time < ${at(-1)}`, 'shop = 77'])
      expect([less, ...errorOf(await asked(less))]).toEqual([less, 400, 'invalid_request'])
  })

  test('not after the subject token was revoked', async () => {
    const subject = await shown()
    await createBrowser(server.url).ask('/oauth/revoke', {
      form: { token: subject },
      headers: { authorization: app.basic },
    })
    expect(errorOf(await exchange(subject, { connection: shop }))).toEqual([400, 'invalid_request'])
  })
})

test('a site’s own credential goes to the clients that the provider’s entry names, and to no other', async () => {
  site.accounts.set('Ada', { password, userId: '7' })
  const issuer = server.core.upstream.providers.get('forum')?.issuer ?? ''
  await linkIdentity(server.core, {
    actor: { kind: 'cli' },
    userId: ada.userId,
    identity: { provider: 'forum', issuer, subject: '7', label: 'Ada' },
  })
  await server.core.upstream.keep({
    userId: ada.userId,
    provider: 'forum',
    account: '7',
    holder: identityNameRef(issuer, '7'),
    recallsBefore: 0,
    credential: { reveal: () => 'the forum cookie', toJSON: () => '', toString: () => '' },
    lasts: 3600,
  })
  const subject = await shown({ scope: 'read vault:forum' })
  const answer = await exchange(subject, { audience: 'forum' })
  expect([answer.status, answer.json()['access_token']]).toEqual([200, 'the forum cookie'])
  const others = await exchanger('curious')
  await server.makeResource({
    resource: 'https://curious.example',
    scope: 'vault:forum',
    introspection_clients: ['curious'],
  })
  const theirs = await codeFlow(server, app, 'ada', {
    extra: { resource: 'https://curious.example', scope: 'vault:forum' },
  })
  expect(errorOf(await exchange(theirs.tokens.access_token, { audience: 'forum' }, others))).toEqual([
    400,
    'invalid_target',
  ])
})

test('end to end: whoever signs in with the site’s password; an API that the entry names gets the site’s word for it, and no other', async () => {
  site.accounts.set('Otto', { password: 'ein Geheimnis', userId: '42' })
  const { userId } = await server.makeUser('otto')
  const identity = { issuer: 'https://forum.example', subject: '42', provider: 'forum', label: 'Otto' }
  await linkIdentity(server.core, { actor: { kind: 'cli' }, userId, identity })
  const browser = createBrowser(server.url)
  const page = await browser.ask('/signin/with/forum')
  await submit(browser, page, 'sign-in', { username: 'Otto', password: 'ein Geheimnis' })
  const shownTo = async (resource: string) => {
    const flow = await codeFlow(server, app, 'otto', { browser, extra: { resource, scope: 'vault:forum' } })
    return flow.tokens.access_token
  }
  const answer = await exchange(await shownTo(api), { audience: 'forum' })
  expect([answer.status, answer.json()['token_type']]).toEqual([200, 'Bearer'])
  const claims = Buffer.from(String(answer.json()['access_token']).split('.')[1] ?? '', 'base64url').toString()
  expect(claims).toContain('forum-cookie-of-Otto')
  // One that the entry doesn't name, whatever its person agreed to.
  const unnamed = await exchanger('unnamed', { scope: 'openid vault:forum' })
  const resource = 'https://unnamed.example'
  await server.makeResource({ resource, scope: 'vault:forum', introspection_clients: ['unnamed'] })
  await codeFlow(server, unnamed, 'otto', { browser, extra: { scope: 'openid vault:forum' } })
  const refused = await exchange(await shownTo(resource), { audience: 'forum' }, unnamed)
  expect([...errorOf(refused), refused.text.includes('access_token')]).toEqual([400, 'invalid_target', false])
})

test('nor does it go at the vault’s other entrance, whatever its person agreed to', async () => {
  const scope = 'openid vault vault:forum'
  const [curious, named] = [
    await server.makeClient({ client_id: 'nosy', scope }),
    await server.makeClient({ client_id: 'library', scope }),
  ]
  const fetched = async (client: MadeClient) => {
    const { tokens } = await codeFlow(server, client, 'ada', { extra: { scope } })
    return createBrowser(server.url).ask('/vault/token', {
      form: { connection: `${ada.userId}:forum` },
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
  }
  const theirs = await fetched(curious)
  expect([...errorOf(theirs), theirs.text.includes('the forum cookie')]).toEqual([400, 'access_denied', false])
  expect((await fetched(named)).json()['access_token']).toBe('the forum cookie')
})

test('the metadata name the grant where there are providers, and don’t where there are none', async () => {
  const grantsOf = async ({ url }: Pick<TestGatehouse, 'url'>) =>
    (await createBrowser(url).ask('/.well-known/oauth-authorization-server')).json()['grant_types_supported']
  expect(await grantsOf(server)).toContain(grant)
  const bare = await startGatehouse()
  expect(await grantsOf(bare)).not.toContain(grant)
  await bare.close()
})
