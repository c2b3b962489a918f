import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Provider, type Configuration } from 'oidc-provider'
import type { Fixture } from '../fixture.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { interaction } from './interaction.ts'
import { openSqliteAdapter } from './sqlite-adapter.ts'

/**
 * oidc-provider 9 as its makers would run it: production mode, its own http callback without another framework, no
 * development pages, unused features off, keys made beforehand, lifetimes as numbers. Its cookies stay unsigned, which is
 * its default: signing them costs it about a quarter of a code flow.
 * Arguments: port, fixture file, and `memory` or the path of a SQLite file.
 */
const [port = '', fixtureFile = '', storage = 'memory'] = process.argv.slice(2)
const setup = JSON.parse(readFileSync(fixtureFile, 'utf8')) as {
  fixture: Fixture
  signingKey: Record<string, unknown>
}
const { fixture } = setup
const { service, web, resources, ttlSeconds } = fixture

const resourceServers = new Map([
  [resources.opaque, { accessTokenFormat: 'opaque' as const }],
  [resources.jwt, { accessTokenFormat: 'jwt' as const, jwt: { sign: { alg: 'ES256' as const } } }],
])

const configuration: Configuration = {
  adapter: storage === 'memory' ? memoryAdapter : openSqliteAdapter(storage),
  clients: [
    {
      client_id: service.id,
      client_secret: service.secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    {
      client_id: web.id,
      client_secret: web.secret,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [web.redirectUri],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
      require_auth_time: true,
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  jwks: { keys: [setup.signingKey] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  // The resource's scope comes with the resource: listed here too, it would be asked for twice.
  scopes: ['openid', 'offline_access'],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  // Without these two the peer drops offline_access when no consent was asked, and reads the session at every refresh.
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async () => false,
  ttl: {
    AccessToken: ttlSeconds.access,
    ClientCredentials: ttlSeconds.access,
    IdToken: ttlSeconds.access,
    AuthorizationCode: ttlSeconds.code,
    RefreshToken: ttlSeconds.refresh,
    Grant: ttlSeconds.refresh,
    Session: ttlSeconds.session,
    Interaction: 600,
  },
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_ctx, parked) => `/interaction/${parked.uid}` },
  features: {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => [],
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, indicator) => {
        const known = resourceServers.get(indicator)
        if (known === undefined) throw new Error(`unknown resource ${indicator}`)
        return { scope: resources.scope, audience: indicator, accessTokenTTL: ttlSeconds.access, ...known }
      },
    },
  },
}

const provider = new Provider(`http://localhost:${port}`, configuration)
const answer = provider.callback()
const interact = interaction(provider, fixture)

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  if (request.url?.startsWith('/interaction/') === true) void interact(request, response)
  else void answer(request, response)
})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
