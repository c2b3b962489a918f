import { createHash, randomBytes } from 'node:crypto'
import { AuthorizationCode, ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { authorize, userinfo } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

const callback = 'https://app.example/cb'

let server: TestGatehouse

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
})
afterAll(() => server.close())

function configuration(client: MadeClient, authorizationMethod: 'header' | 'body') {
  return {
    client: { id: client.clientId, secret: client.secret },
    auth: {
      tokenHost: server.url,
      tokenPath: '/oauth/token',
      revokePath: '/oauth/revoke',
    },
    options: { authorizationMethod },
  } as const
}

describe('simple-oauth2 5', () => {
  test.each([
    ['header', 'client_secret_basic'],
    ['body', 'client_secret_post'],
  ] as const)('credentials in the %s: code, refresh, revocation', async (where, method) => {
    const client = await server.makeClient({ client_id: where, token_endpoint_auth_method: method })
    const { auth, ...rest } = configuration(client, where)
    const flow = new AuthorizationCode({ ...rest, auth: { ...auth, authorizePath: '/oauth/authorize' } })
    // The library knows no PKCE, but hands on what it is given.
    const verifier = randomBytes(32).toString('base64url')
    const wish = {
      redirect_uri: callback,
      scope: ['openid', 'profile', 'offline_access'],
      state: 'a state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }
    const back = await authorize(server, createBrowser(server.url), flow.authorizeURL(wish), 'ada')
    expect(back.searchParams.get('state')).toBe('a state')
    const proof = { code: back.searchParams.get('code') ?? '', redirect_uri: callback, code_verifier: verifier }
    const first = await flow.getToken(proof)
    expect(first.expired()).toBe(false)
    expect((await userinfo(server, String(first.token['access_token']))).json()).toMatchObject({
      preferred_username: 'ada',
    })

    const second = await first.refresh()
    expect(second.token['refresh_token']).not.toBe(first.token['refresh_token'])
    await second.revokeAll()
    expect((await userinfo(server, String(second.token['access_token']))).status).toBe(401)
    await expect(second.refresh()).rejects.toThrow('400')
  })

  test('client credentials', async () => {
    const client = await server.makeClient({
      client_id: 'robot',
      grant_types: ['client_credentials'],
      redirect_uris: [],
    })
    const answer = await new ClientCredentials(configuration(client, 'header')).getToken({ scope: 'read' })
    expect(answer.token).toMatchObject({ token_type: 'Bearer', scope: 'read', expires_in: 900 })
  })

  test('the password grant, for a client with that legacy switch', async () => {
    const client = await server.makeClient({
      client_id: 'legacy',
      redirect_uris: [],
      grant_types: ['password', 'refresh_token'],
      legacy: ['password'],
      scope: 'openid profile',
    })
    const flow = new ResourceOwnerPassword(configuration(client, 'header'))
    const first = await flow.getToken({ username: 'ada', password, scope: 'openid' })
    expect(await first.refresh()).toHaveProperty('token.access_token')
  })
})
