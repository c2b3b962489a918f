import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { tokenRequest } from '../kit/flow.ts'
import { freePort } from '../kit/free-port.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { startApache, type Apache } from './apache.ts'

const [jwtApi, opaqueApi] = ['https://jwt.example', 'https://opaque.example']
/** Of the same two shapes, for somebody else. */
const [otherJwtApi, otherOpaqueApi] = ['https://other-jwt.example', 'https://other-opaque.example']

let server: TestGatehouse
let robot: MadeClient
let apache: Apache
let ask: ReturnType<typeof createBrowser>['ask']

beforeAll(async () => {
  server = await startGatehouse()
  const guard = await server.makeClient({
    client_id: 'apache',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: '',
  })
  for (const [resource, format] of [
    [jwtApi, 'jwt'],
    [opaqueApi, 'opaque'],
    [otherJwtApi, 'jwt'],
    [otherOpaqueApi, 'opaque'],
  ] as const) {
    await server.makeResource({
      resource,
      scope: 'read write',
      access_token: { format },
      introspection_clients: ['apache'],
    })
  }
  robot = await server.makeClient({
    client_id: 'robot',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    resources: [jwtApi, opaqueApi, otherJwtApi, otherOpaqueApi],
    scope: 'read write',
  })
  const port = await freePort()
  ask = createBrowser(`http://127.0.0.1:${port}`).ask
  apache = await startApache({
    port,
    load: ['oauth2'],
    paths: ['jwt', 'opaque', 'either'],
    configure: () => `
      <Location /jwt>
        AuthType oauth2
        OAuth2TokenVerify jwks_uri ${server.url}/.well-known/jwks.json verify.exp=required&verify.iat=required
        OAuth2TargetPass prefix=oauth2_
        <RequireAll>
          Require oauth2_claim iss:${server.url}
          Require oauth2_claim aud:${jwtApi}
          Require oauth2_claim scope:read
        </RequireAll>
        Header always set X-Client "%{oauth2_client_id}e"
      </Location>
      <Location /opaque>
        AuthType oauth2
        OAuth2TokenVerify introspect ${server.url}/oauth/introspect introspect.auth=client_secret_basic&client_id=apache&client_secret=${encodeURIComponent(guard.secret)}
        OAuth2TargetPass prefix=oauth2_
        <RequireAll>
          Require oauth2_claim aud:${opaqueApi}
          Require oauth2_claim scope:read
        </RequireAll>
        Header always set X-Client "%{oauth2_client_id}e"
      </Location>
      <Location /either>
        AuthType oauth2
        OAuth2TokenVerify metadata ${server.url}/.well-known/oauth-authorization-server verify.iss=required&introspect.auth=client_secret_basic&client_id=apache&client_secret=${encodeURIComponent(guard.secret)}
        Require oauth2_claim scope:read
      </Location>`,
  })
})
afterAll(async () => {
  await apache?.close()
  await server.close()
})

async function tokenFor(resource: string, scope: string): Promise<string> {
  const answer = await tokenRequest(server, robot, { grant_type: 'client_credentials', resource, scope })
  return String(answer.json()['access_token'])
}

const at = (path: string, token: string) => ask(path, { headers: { authorization: `Bearer ${token}` } })

describe.each([
  ['/jwt/', jwtApi, otherJwtApi],
  ['/opaque/', opaqueApi, otherOpaqueApi],
])('mod_oauth2 in front of %s', (path, api, other) => {
  test('lets a good token in and sees its claims', async () => {
    const answer = await at(path, await tokenFor(api, 'read'))
    expect(answer.status, apache.log()).toBe(200)
    expect(answer.text).toContain('Let in')
    expect(answer.headers.get('x-client')).toBe('robot')
  })

  test('refuses no token, a broken one, one of another audience and one of another scope', async () => {
    const good = await tokenFor(api, 'read')
    expect((await ask(path)).status).toBe(401)
    expect((await at(path, `${good.slice(0, -8)}AAAAAAAA`)).status).toBe(401)
    expect((await at(path, await tokenFor(other, 'read'))).status).toBe(401)
    expect((await at(path, await tokenFor(api, 'write'))).status).toBe(401)
  })
})

test('RFC 8414: told the metadata alone, it finds the keys and the introspection endpoint', async () => {
  for (const api of [jwtApi, opaqueApi]) {
    expect((await at('/either/', await tokenFor(api, 'read'))).status, `${api} ${apache.log()}`).toBe(200)
    expect((await at('/either/', await tokenFor(api, 'write'))).status, api).toBe(401)
  }
})

test('introspection learns of a revocation that offline verification cannot', async () => {
  const [opaque, jwt] = [await tokenFor(opaqueApi, 'read'), await tokenFor(jwtApi, 'read')]
  for (const token of [opaque, jwt]) {
    await createBrowser(server.url).ask('/oauth/revoke', { form: { token }, headers: { authorization: robot.basic } })
  }
  expect((await at('/opaque/', opaque)).status).toBe(401)
  expect((await at('/jwt/', jwt)).status).toBe(200)
})
