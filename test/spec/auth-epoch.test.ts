import { afterAll, beforeAll, expect, test } from 'vitest'
import { changeClient } from '../../src/accounts/change-client.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { revokeEverything, revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { createBrowser } from '../kit/browser.ts'
import { codeFlow, introspect, tokenRequest, userinfo } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { narrow } from '../kit/macaroons.ts'

const formats = ['jwt', 'opaque', 'macaroon'] as const
const cli = { kind: 'cli' } as const

let server: TestGatehouse
let api: MadeClient
beforeAll(async () => {
  server = await startGatehouse()
  api = await server.makeClient({ client_id: 'api', grant_types: ['client_credentials'], redirect_uris: [] })
  for (const format of formats)
    await server.makeResource({
      resource: `https://${format}.example`,
      scope: 'read',
      access_token: { format, ttl: 600 },
      introspection_clients: ['api'],
    })
})
afterAll(() => server.close())

type About = { readonly userId: string; readonly clientId: string }

const patch = ({ userId }: About, wanted: Parameters<typeof patchUser>[1]['patch']) =>
  patchUser({ ...server.core, strength: async () => undefined }, { actor: cli, userId, patch: wanted })

const bumps: readonly (readonly [string, (about: About) => Promise<unknown>])[] = [
  ['the password was changed', (about) => patch(about, { password: 'a heron over seven canals' })],
  ['the account was locked', (about) => patch(about, { locked: true })],
  ['the role was changed', (about) => patch(about, { role: 'admin' })],
  ['the scopes were changed', (about) => patch(about, { scopes: ['curate'] })],
  ['revoke-tokens, of one', ({ userId }) => revokeTokens(server.core, { actor: cli, userId })],
  [
    'the client may do less',
    ({ clientId }) =>
      changeClient(server.core, { actor: cli, clientId, fields: { scope: 'openid me offline_access' } }),
  ],
  [
    'the client demands a second factor',
    ({ clientId }) => changeClient(server.core, { actor: cli, clientId, fields: { require_second_factor: true } }),
  ],
  ['revoke-tokens, of everybody', () => revokeEverything(server.core, cli)],
]

test.each(bumps)(
  'auth_epoch: once %s, the next request finds every token dead, whatever its format, at every door',
  async (_, bump) => {
    const name = `u${bumps.findIndex(([, one]) => one === bump)}`
    const { userId } = await server.makeUser(name)
    const app = await server.makeClient({ client_id: `app-${name}`, scope: 'openid me offline_access read' })
    const first = await codeFlow(server, app, name, { extra: { scope: 'openid me offline_access' } })
    const { browser, tokens: own } = first
    const tokens: string[] = []
    for (const format of formats) {
      const extra = { resource: `https://${format}.example`, scope: 'openid read' }
      tokens.push((await codeFlow(server, app, name, { browser, extra })).tokens.access_token)
    }
    expect(tokens.map((token) => /^gth_(?:at|mc)|^eyJ/.exec(token)?.[0])).toEqual(['eyJ', 'gth_at', 'gth_mc'])
    tokens.push(narrow(tokens[2] ?? '', 'method = GET'))

    const doors = async () => {
      const headers = { authorization: `Bearer ${own.access_token}` }
      const context = { caveat_context: '{"method":"GET"}' }
      const said = []
      for (const token of tokens) {
        const form = { token, ...context }
        const answer = await createBrowser(server.url).ask('/oauth/introspect', {
          form,
          headers: { authorization: api.basic },
        })
        said.push(answer.json()['active'])
      }
      return {
        introspection: said,
        userinfo: (await userinfo(server, own.access_token)).status,
        rest: (await createBrowser(server.url).ask('/api/v1/me/session', { headers })).status,
      }
    }
    expect(await doors()).toEqual({ introspection: [true, true, true, true], userinfo: 200, rest: 200 })
    await bump({ userId, clientId: app.clientId })
    expect(await doors()).toEqual({ introspection: [false, false, false, false], userinfo: 401, rest: 401 })
    expect(await introspect(server, app, own.access_token)).toEqual({ active: false })
    const refresh = { grant_type: 'refresh_token', refresh_token: own.refresh_token }
    expect((await tokenRequest(server, app, refresh)).json()).toMatchObject({ error: 'invalid_grant' })
  },
)
