import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

export type OidcProvider = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly register: (redirectUri: string) => void
  readonly close: () => Promise<void>
}

const clientId = 'gatehouse'
const clientSecret = 'a-secret-shared-with-oidc-provider-9'

/**
 * oidc-provider 9 with one client and a page that believes every name. It is told its client's address when that is known: both
 * servers must know the other's before they start.
 */
export async function startOidcProvider(): Promise<OidcProvider> {
  let answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => {
    response.writeHead(503).end()
  }
  const server = createServer((request, response) => answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    clientId,
    clientSecret,
    register: (redirectUri) => {
      const provider = providerFor(issuer, redirectUri)
      const callback = provider.callback()
      answer = (request, response) => {
        if (request.url?.startsWith('/interaction/') !== true) return void callback(request, response)
        interact(provider, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
      }
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const signingKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })

function providerFor(issuer: string, redirectUri: string): Provider {
  return new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    jwks: { keys: [{ ...signingKey, use: 'sig' }] },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      IdToken: 600,
      Interaction: 600,
      Session: 3600,
      Grant: 3600,
      RefreshToken: 3600,
    },
    cookies: { keys: ['the key of its cookies, for this test alone'] },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({
        sub: accountId,
        name: `${accountId} of the peer`,
        preferred_username: accountId,
        email: `${accountId}@peer.example`,
        email_verified: true,
      }),
    }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  })
}

/** One form that signs in and consents at once. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { uid, params } = await provider.interactionDetails(request, response)
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(`<form id="sign-in" method="post" action="/interaction/${uid}"><input name="username"></form>`)
    return
  }
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const accountId = new URLSearchParams(body).get('username') ?? ''
  const grant = new provider.Grant({ accountId, clientId })
  grant.addOIDCScope(String(params['scope']))
  await provider.interactionFinished(request, response, {
    login: { accountId, amr: ['pwd'] },
    consent: { grantId: await grant.save() },
  })
}
