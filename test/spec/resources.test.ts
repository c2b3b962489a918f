import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { printResource } from '../../src/accounts/find-resource.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { changeResource, deleteResource } from '../../src/accounts/write-resource.ts'
import { parseResourceDocument } from '../../src/config/check-resource.ts'
import type { Actor } from '../../src/domain/authority.ts'
import type { Resource } from '../../src/domain/resource.ts'
import type { User } from '../../src/domain/user.ts'
import { createBrowser } from '../kit/browser.ts'
import {
  authorizeUrl,
  claimsOf,
  codeFlow,
  introspect,
  signInFor,
  tokenRequest,
  userinfo,
  type Tokens,
} from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let anyApi: MadeClient
let oneApi: MadeClient

beforeAll(async () => {
  server = await startGatehouse()
  for (const resource of ['https://one.example', 'https://two.example']) {
    await server.makeResource({ resource, scope: 'read' })
  }
  anyApi = await server.makeClient()
  oneApi = await server.makeClient({ client_id: 'one', resources: ['https://one.example'] })
})
afterAll(() => server.close())

async function audience(client: MadeClient, form: Readonly<Record<string, string>>): Promise<unknown> {
  const answer = await tokenRequest(server, client, { grant_type: 'client_credentials', ...form })
  if (answer.status !== 200) return answer.json()['error']
  return claimsOf((answer.json() as Tokens).access_token)['aud']
}

describe('RFC 8707 §2: the resource of a client that acts for itself', () => {
  test('named: any that is known, for a client that is not limited', async () => {
    expect(await audience(anyApi, { resource: 'https://two.example' })).toBe('https://two.example')
    expect(await audience(anyApi, { resource: 'https://unknown.example' })).toBe('invalid_target')
  })

  test('named: only its own, for a client that is limited', async () => {
    expect(await audience(oneApi, { resource: 'https://one.example' })).toBe('https://one.example')
    expect(await audience(oneApi, { resource: 'https://two.example' })).toBe('invalid_target')
  })

  test('not named: this server, limited or not', async () => {
    expect(await audience(anyApi, {})).toBe(server.url)
    expect(await audience(oneApi, {})).toBe(server.url)
  })
})

describe('the words of an API for its scopes', () => {
  const described = {
    resource: 'https://words.example',
    resource_name: 'The notes',
    scope: 'notes:read notes:write',
    scope_descriptions: { 'notes:write': 'Write & delete your notes' },
  }

  test('stand on the consent page, and in every answer about it', async () => {
    await server.makeResource(described)
    await server.makeUser('ada')
    const app = await server.makeClient({ client_id: 'notes', scope: 'openid notes:read notes:write' })
    const browser = createBrowser(server.url)
    const url = authorizeUrl(app, { scope: 'openid notes:read notes:write', resource: described.resource })
    const page = await signInFor(server, browser, url, 'ada')
    expect(page.text).toContain('Write &amp; delete your notes')
    expect(page.text).toContain('notes:read')
    expect(page.text).not.toMatch(/<strong[^>]*>[^<]*notes:write/)
    const kept = await server.core.directory.resource(described.resource)
    expect(printResource(kept as Resource)).toMatchObject({ scope_descriptions: described.scope_descriptions })
  })

  test.each([
    ['of a scope that it does not have', { other: 'Something else' }],
    ['that are empty', { 'notes:read': '' }],
    ['with a line break', { 'notes:read': 'Read\nnotes' }],
  ])('are refused: those %s', (_name, scope_descriptions) => {
    const parsed = parseResourceDocument({ ...described, scope_descriptions }, server.url)
    expect(parsed).toMatchObject({ field: expect.stringMatching(/^scope_descriptions/) as string })
  })
})

describe('scopes of an API that a person must hold', () => {
  const payroll = 'https://payroll.example'
  const cli = { kind: 'cli' } as const
  const asked = { resource: payroll, scope: 'openid offline_access slips pay' }
  let app: MadeClient
  let clerk: User
  let payer: User

  beforeAll(async () => {
    await server.makeResource({
      resource: payroll,
      scope: 'slips pay',
      held_scopes: ['pay'],
      access_token: { format: 'opaque' },
      introspection_clients: ['payroll'],
    })
    app = await server.makeClient({ client_id: 'payroll', scope: asked.scope, legacy: ['password'] })
    clerk = await server.makeUser('clerk')
    payer = await server.makeUser('payer')
    await patchUser(server.core, { actor: cli, userId: payer.userId, patch: { scopes: ['pay'] } })
  })

  const hold = async (held_scopes: readonly string[]) =>
    changeResource(server.core, { actor: cli, issuer: server.url }, { resource: payroll, fields: { held_scopes } })

  test('the consent page asks nobody for what he cannot give, and his token lacks it', async () => {
    const page = await signInFor(server, createBrowser(server.url), authorizeUrl(app, asked), 'clerk')
    expect(page.text).toContain('value="slips"')
    expect(page.text).not.toContain('value="pay"')
    const { tokens } = await codeFlow(server, app, 'clerk', { extra: asked })
    expect(tokens.scope).toBe('slips')
    expect(await introspect(server, app, tokens.access_token)).toMatchObject({ active: true, scope: 'slips' })
  })

  test('whoever holds it gets it', async () => {
    const { tokens } = await codeFlow(server, app, 'payer', { extra: asked })
    expect(tokens.scope).toBe('slips pay')
    expect(await introspect(server, app, tokens.access_token)).toMatchObject({ active: true, scope: 'slips pay' })
  })

  test('the password grant and a minted token give no more', async () => {
    const grant = { grant_type: 'password', username: 'clerk', password, resource: payroll }
    expect((await tokenRequest(server, app, grant)).json()).toMatchObject({ scope: 'slips' })
    const named = await tokenRequest(server, app, { ...grant, scope: 'pay' })
    expect([named.status, named.json()['error']]).toEqual([400, 'invalid_scope'])
    const mint = async ({ userId }: User, scope?: readonly string[]) => {
      const wanted = { format: 'opaque', resource: payroll, ...(scope !== undefined && { scope }) } as const
      return mintToken(server.core, { actor: cli, userId }, wanted)
    }
    expect(await mint(clerk)).toMatchObject({ done: { scope: ['slips'] } })
    expect(await mint(clerk, ['pay'])).toMatchObject({ refused: { field: 'scope' } })
    expect(await mint(payer)).toMatchObject({ done: { scope: ['slips', 'pay'] } })
  })

  test('demanded after a token was made, it is gone from that token and from its refresh', async () => {
    await hold([])
    const { tokens } = await codeFlow(server, app, 'clerk', { extra: asked })
    expect(tokens.scope).toBe('slips pay')
    await hold(['pay'])
    expect(await introspect(server, app, tokens.access_token)).toMatchObject({ active: true, scope: 'slips' })
    const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    expect((await tokenRequest(server, app, form)).json()).toMatchObject({ scope: 'slips' })
  })

  test('nobody frees one that he lacks: not by a change, nor by forgetting the API', async () => {
    const admin: Actor = { kind: 'user', user: { ...clerk, role: 'admin' }, scopes: ['admin'] }
    const refused = { refused: { code: 'forbidden' } }
    const place = { actor: admin, issuer: server.url }
    expect(
      await changeResource(server.core, place, { resource: payroll, fields: { held_scopes: null } }),
    ).toMatchObject(refused)
    expect(await deleteResource(server.core, admin, payroll)).toMatchObject(refused)
    expect(
      await changeResource(server.core, place, { resource: payroll, fields: { resource_name: 'Payroll' } }),
    ).toMatchObject({ done: { heldScopes: ['pay'] } })
  })

  test('is one that the API has', () => {
    const parsed = parseResourceDocument({ resource: payroll, scope: 'slips', held_scopes: ['pay'] }, server.url)
    expect(parsed).toEqual({ field: 'held_scopes', problem: 'held_scopes names a scope that the API does not have' })
  })
})

describe('roles reach tokens as claims', () => {
  const shown = { role: 'superuser', bot: false }
  const given = { account_scopes: ['pay'] }
  let app: MadeClient

  beforeAll(async () => {
    const { userId } = await server.makeUser('head', { role: 'superuser' })
    await patchUser(server.core, { actor: { kind: 'cli' }, userId, patch: { scopes: ['pay'] } })
    app = await server.makeClient({ client_id: 'roles', scope: 'openid roles read' })
  })

  test('by the scope `roles`: after consent in words, in the ID token and at userinfo', async () => {
    const url = authorizeUrl(app, { scope: 'openid roles' })
    expect((await signInFor(server, createBrowser(server.url), url, 'head')).text).toContain('See your role')
    const { tokens } = await codeFlow(server, app, 'head', { extra: { scope: 'openid roles' } })
    expect(claimsOf(tokens.id_token)).toMatchObject({ ...shown, ...given })
    expect((await userinfo(server, tokens.access_token)).json()).toMatchObject({ ...shown, ...given })
  })

  test('without it nowhere, however it is asked for', async () => {
    const one = { role: { essential: true }, bot: null, account_scopes: null }
    const claims = JSON.stringify({ id_token: one, userinfo: one })
    const { tokens } = await codeFlow(server, app, 'head', { extra: { scope: 'openid', claims } })
    const said = [claimsOf(tokens.id_token), (await userinfo(server, tokens.access_token)).json()]
    for (const name of ['role', 'bot', 'account_scopes'])
      for (const claimed of said) expect(claimed).not.toHaveProperty(name)
  })

  test('in the access tokens of an API that asked for them, and of no other', async () => {
    const resource = 'https://roles.example'
    await server.makeResource({ resource, scope: 'read', access_token: { claims: ['role', 'bot'] } })
    const claimsAt = async (at: string) => {
      const { tokens } = await codeFlow(server, app, 'head', { extra: { scope: 'openid read', resource: at } })
      return claimsOf(tokens.access_token)
    }
    expect(await claimsAt(resource)).toMatchObject({ aud: resource, ...shown })
    expect(await claimsAt('https://one.example')).not.toHaveProperty('role')
  })

  test('what an account was given beyond its role is no claim of an access token (decision 0019)', () => {
    const wanted = { resource: 'https://roles.example', access_token: { claims: ['account_scopes'] } }
    expect(parseResourceDocument(wanted, server.url)).toMatchObject({ field: 'access_token.claims[0]' })
  })

  test('discovery names the scope and its claims', async () => {
    const metadata = (await createBrowser(server.url).ask('/.well-known/openid-configuration')).json()
    expect(metadata['scopes_supported']).toContain('roles')
    expect(metadata['claims_supported']).toEqual(expect.arrayContaining(['role', 'bot', 'account_scopes']))
  })
})
