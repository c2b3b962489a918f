import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { factorsRef } from '../../src/accounts/find-factors.ts'
import { findUserOfIdentity } from '../../src/accounts/find-identity.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { patchUser, type UserPatch } from '../../src/accounts/patch-user.ts'
import { provisionIdentity, type Provisioning } from '../../src/accounts/provision-identity.ts'
import { create } from '../../src/domain/record.ts'
import { commitNew } from '../../src/store/transition.ts'
import { readProvider } from '../upstream/house.ts'
import { becomeBot } from '../kit/become-bot.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { curiousApi, introspectCall, makeCuriousApi, makeMacaroonApi } from '../kit/macaroons.ts'

const api = 'https://api.example'
const orcid = { issuer: 'https://orcid.example', provider: 'orcid', preferred_username: 'Josiah Carberry' }
const cli = { kind: 'cli' } as const

let server: TestGatehouse
let front: MadeClient
let token: string
/** May introspect what is for the API that asks for claims. */
let reader: MadeClient
beforeAll(async () => {
  const secret = { client_secret: { env: 'HUB' } }
  const hub = { name: 'hub', preset: 'oidc', issuer: 'https://hub.example', client_id: 'gatehouse', ...secret }
  server = await startGatehouse({
    config: {
      providers: [readProvider(hub, { HUB: 'x'.repeat(40) })],
      users: { registration: 'closed', secondFactor: ['admin'] },
    },
  })
  await server.makeResource({ resource: api, scope: 'read write', access_token: { format: 'macaroon' } })
  reader = await makeMacaroonApi(server)
  await makeCuriousApi(server)
  front = await server.makeClient({
    client_id: 'front',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: 'accounts:provision read',
  })
  token = await tokenOf(front, 'accounts:provision')
})
afterAll(() => server.close())

async function tokenOf(client: MadeClient, scope: string): Promise<string> {
  const answer = await tokenRequest(server, client, { grant_type: 'client_credentials', scope })
  return String(answer.json()['access_token'])
}
function call(bearer: string, path: string, method = 'GET', body?: unknown): Promise<Answer> {
  return createBrowser(server.url).ask(path, {
    method,
    headers: { authorization: `Bearer ${bearer}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}
const provision = (wanted: object, bearer = token) =>
  call(bearer, '/api/v1/identities', 'POST', { ...orcid, ...wanted })

/** As the call has it, but past the network. */
const provisioning = (subject: string): Provisioning => ({
  actor: { kind: 'client', client: front.record, scopes: ['accounts:provision'] },
  address: '192.0.2.1',
  identified: { ...orcid, subject, label: 'somebody' },
  preferredUsername: 'Grace Hopper',
  token: { format: 'opaque' },
})

describe('system D: a front end that signs people in itself', () => {
  test('201 for a newcomer, 200 for whom it knows, a token each time, and the name is whole', async () => {
    const first = await provision({ subject: '0000-0001' })
    const again = await provision({ subject: '0000-0001', preferred_username: 'Somebody Else' })
    expect([first.status, again.status]).toEqual([201, 200])
    const [made, found] = [first.json(), again.json()]
    expect(made).toMatchObject({ username: 'Josiah.Carberry', scope: 'openid me', expires_in: 31 * 86_400 })
    expect(found).toMatchObject({ user_id: made['user_id'], username: 'Josiah.Carberry' })
    expect(first.headers.get('location')).toBe(`/api/v1/users/${String(made['user_id'])}`)
    for (const one of [made, found]) {
      const who = await call(String(one['token']), '/api/v1/me/session')
      expect(who.json()).toMatchObject({ user_id: made['user_id'], username: 'Josiah.Carberry' })
    }
    expect(String(made['token'])).toMatch(/^gth_mc_/)
    const identities = await call(String(made['token']), '/api/v1/me/identities')
    expect(identities.json()['items']).toMatchObject([{ provider: 'orcid' }])
  })

  test('two people of one name get two names, and two at once one account each', async () => {
    const long = 'a-very-long-name-of-thirty-two-x'
    const [one, two] = [
      await provision({ subject: '0000-0011', preferred_username: long }),
      await provision({ subject: '0000-0012', preferred_username: long }),
    ]
    expect([one.json()['username'], two.json()['username']]).toEqual([long, `${long}-orcid`])
    // At the very same moment: past the network, which would line them up.
    const at = (subject: string) => provisionIdentity(server.core, provisioning(subject))
    const same = await Promise.all(['13', '13', '13', '13'].map(at))
    const done = same.flatMap((one) => ('done' in one ? [one.done] : []))
    expect(done.map(({ created }) => created).filter((created) => created)).toHaveLength(1)
    expect([done.length, new Set(done.map(({ user }) => user.userId)).size]).toEqual([4, 1])
    const others = (await Promise.all(['21', '22', '23'].map(at))).flatMap((one) => ('done' in one ? [one.done] : []))
    expect(new Set(others.map(({ user }) => user.username)).size).toBe(3)
  })

  test('a name is never cut: one of 53 characters is given whole, one of 70 not at all', async () => {
    const named = async (subject: string, preferred: string) =>
      (await provision({ subject, preferred_username: preferred })).json()['username']
    const long = 'maria-de-los-angeles-fernandez-de-cordoba-y-de-toledo'
    expect(long).toHaveLength(53)
    expect(await named('0000-0061', long)).toBe(long)
    expect(await named('0000-0062', long)).toBe(`${long}-orcid`)
    // Nothing fits behind a name as long as a name may be, so whoever comes second is called otherwise.
    const longest = 'n'.repeat(64)
    expect(await named('0000-0063', longest)).toBe(longest)
    expect(await named('0000-0064', longest)).toMatch(/^newcomer-[a-z0-9]{2,6}$/)
    const tooLong = `${long}-und-von-habsburg`
    expect(tooLong).toHaveLength(70)
    expect(await named('0000-0065', tooLong)).toMatch(/^newcomer-[a-z0-9]{1,6}$/)
    expect(await named('0000-0066', tooLong)).toMatch(/^newcomer-[a-z0-9]{1,6}$/)
  })

  test('it names an account by id or exact name, and says nothing else of it', async () => {
    const address = 'hedy@mail.example'
    const hedy = await server.makeUser('Hedy', { email: address, role: 'admin' })
    const named = (asked: string, bearer = token) => call(bearer, `/api/v1/account-names/${encodeURIComponent(asked)}`)
    const shown = { user_id: hedy.userId, username: 'Hedy', bot: false }
    for (const asked of [hedy.userId, 'Hedy', 'HEDY', 'ｈｅｄｙ'])
      expect((await named(asked)).json(), asked).toEqual(shown)
    for (const asked of [
      'hed',
      'hedy*',
      address,
      'nobody',
      hedy.userId.slice(0, -1),
      'usr_nobody',
      '',
      ' ',
      '../users',
    ])
      expect((await named(asked)).status, asked).toBe(404)
    expect((await call(token, '/api/v1/account-names')).status).toBe(404)
    const other = await tokenOf(front, 'read')
    expect([401, 403]).toContain((await named('Hedy', other)).status)
    const made = await provision({ subject: '0000-0071', preferred_username: 'plain person' })
    expect((await named('Hedy', String(made.json()['token']))).status).toBe(403)
  })

  test('the power is narrow: it opens nothing else', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/users'],
      ['POST', '/api/v1/users'],
      ['GET', '/api/v1/me'],
      ['GET', '/api/v1/events'],
    ] as const) {
      expect([403, 404]).toContain((await call(token, path, method, method === 'POST' ? {} : undefined)).status)
    }
  })

  test('the token never holds a power over this server, and of an API only what the front end holds', async () => {
    for (const scope of ['admin', 'admin:read', 'vault', 'introspect', 'accounts:provision'])
      expect([scope, (await provision({ subject: '0000-0031', scope })).status]).toEqual([scope, 403])
    expect((await provision({ subject: '0000-0031', resource: api, scope: 'write' })).status).toBe(403)
    // All that the API knows is more than the front end holds.
    expect((await provision({ subject: '0000-0031', resource: api })).status).toBe(403)
    const made = await provision({ subject: '0000-0031', resource: api, scope: 'read' })
    expect(made.json()).toMatchObject({ scope: 'read' })
  })

  test.each(['macaroon', 'jwt', 'opaque'])('a %s says of its person what the API asks for', async (format) => {
    const who = { subject: `0000-0035-${format}`, preferred_username: `carl-${format}` }
    const made = (await provision({ ...who, format, resource: curiousApi, scope: 'read' })).json()
    const said = await introspectCall(server, reader, String(made['token']))
    expect(said).toMatchObject({ active: true, username: `carl-${format}`, role: 'editor', bot: false })
  })

  test('K05: the token counts as no sign-in, so it changes no name and no credential', async () => {
    const { token: own } = (await provision({ subject: '0000-0041' })).json()
    const answer = await call(String(own), '/api/v1/me', 'PATCH', { username: 'another' })
    expect([answer.status, answer.json()['code']]).toEqual([401, 'recent_sign_in_needed'])
    expect((await call(String(own), '/api/v1/me/tokens', 'POST', { format: 'opaque' })).status).toBe(401)
  })

  test('nobody is provisioned who stands above, nor a locked account', async () => {
    const root = await server.makeUser('root', { role: 'superuser' })
    const identity = { provider: 'orcid', issuer: orcid.issuer, subject: '0000-0051', label: 'root' }
    await linkIdentity(server.core, { actor: cli, userId: root.userId, identity })
    const above = await provision({ subject: '0000-0051' })
    expect([above.status, above.text.includes('token')]).toEqual([403, false])
    const { user_id: userId, token: own } = (await provision({ subject: '0000-0052' })).json()
    await patchUser(server.core, { actor: cli, userId: String(userId), patch: { locked: true } })
    expect((await provision({ subject: '0000-0052' })).status).toBe(403)
    expect((await call(String(own), '/api/v1/me/session')).status).toBe(401)
  })

  test('nobody is provisioned as a bot', async () => {
    const { username, token: own } = (await provision({ subject: '0000-0055', preferred_username: 'crawler' })).json()
    await becomeBot(server, String(username))
    const answer = await provision({ subject: '0000-0055' })
    expect([answer.status, answer.text.includes('nobody signs in as it')]).toEqual([403, true])
    // What was minted for it is a bot's as before.
    expect((await call(String(own), '/api/v1/me/session')).status).toBe(200)
  })

  test('a front end that lost its power makes nothing more', async () => {
    const other = await server.makeClient({
      client_id: 'other',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'read',
    })
    const bearer = await tokenOf(other, 'read')
    expect((await provision({ subject: '0000-0061' }, bearer)).status).toBe(403)
    const absent = await createBrowser(server.url).ask('/api/v1/identities', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(absent.status).toBe(401)
  })

  test('a provider that people sign in through here too means the same there', async () => {
    for (const [field, wrong] of [
      ['issuer', { provider: 'hub', issuer: 'https://elsewhere.example' }],
      ['provider', { provider: 'other', issuer: 'https://hub.example' }],
    ] as const) {
      const answer = await provision({ subject: '0000-0081', ...wrong })
      expect([answer.status, answer.json()['field']]).toEqual([400, field])
    }
    expect((await provision({ subject: '0000-0081', provider: 'hub', issuer: 'https://hub.example' })).status).toBe(201)
  })

  test.each([
    ['issuer', { issuer: 'not a url' }],
    ['issuer', { issuer: 'javascript:alert(1)' }],
    ['subject', { subject: '' }],
    ['subject', { subject: 'a\u0000b' }],
    ['provider', { provider: 'OR/CID' }],
    ['preferred_username', { preferred_username: '' }],
  ])('a bad %s is named', async (field, wrong) => {
    const answer = await provision({ subject: '0000-0071', ...wrong })
    expect([answer.status, answer.json()['field']]).toEqual([400, field])
  })
})

describe('C25, decision 0013: a front end shows no second factor', () => {
  const says = 'send its person through the authorization code flow'
  const change = (userId: string, patch: UserPatch) => patchUser(server.core, { actor: cli, userId, patch })
  const madeOf = async (subject: string) => String((await provision({ subject })).json()['user_id'])

  test('so it gets nothing for an account that has one', async () => {
    const userId = await madeOf('0000-0101')
    const authenticator = { sealed: 'sealed', lastStep: 0, createdAt: server.clock.seconds() }
    const factors = { v: 1, authenticator, recoveryHashes: [] } as const
    await commitNew(server.core.transition, [
      create(factorsRef(userId), factors, { owners: [userId], expiresAt: null }),
    ])
    const refused = await provision({ subject: '0000-0101' })
    expect([refused.status, refused.json()['detail'], refused.json()['token']]).toEqual([
      403,
      expect.stringContaining(says),
      undefined,
    ])
  })

  test('nor for one whose role must have one, until it has another', async () => {
    const userId = await madeOf('0000-0102')
    await change(userId, { role: 'admin' })
    const refused = await provision({ subject: '0000-0102' })
    expect([refused.status, refused.text.includes(says)]).toEqual([403, true])
    await change(userId, { role: 'editor' })
    expect((await provision({ subject: '0000-0102' })).status).toBe(200)
  })

  test('L4: a role that is given in the middle of it comes before it', async () => {
    const userId = await madeOf('0000-0103')
    const { transition } = server.core
    let done = false
    const commit: typeof transition.store.commit = async (writes) => {
      if (!done) await change(userId, { role: 'admin' })
      done = true
      return transition.store.commit(writes)
    }
    const context = { ...server.core, transition: { ...transition, store: { ...transition.store, commit } } }
    const made = await provisionIdentity(context, provisioning('0000-0103'))
    expect(made).toMatchObject({ refused: { detail: expect.stringContaining(says) as string } })
    expect(done).toBe(true)
  })

  test('where everybody must have one, no newcomer is made who would get nothing', async () => {
    const context = {
      ...server.core,
      usersPolicy: () => ({ registration: 'closed' as const, secondFactor: ['editor' as const] }),
    }
    const made = await provisionIdentity(context, provisioning('0000-0104'))
    expect(made).toMatchObject({ refused: { detail: expect.stringContaining(says) as string } })
    expect(await findUserOfIdentity(server.core, { issuer: orcid.issuer, subject: '0000-0104' })).toBeUndefined()
  })
})
