import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser, readForm, type Browser } from '../kit/browser.ts'
import { authorize, follow, submit } from '../kit/flow.ts'
import { freePort } from '../kit/free-port.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { startApache, type Apache } from './apache.ts'

type Guarded = { readonly origin: string; readonly apache: Apache }

let server: TestGatehouse
/** With a secret, answers in the query. */
let plain: Guarded
/** With a key, answers by form_post. */
let keyed: Guarded

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { email: 'ada@example.org' })
  plain = await guard('plain', { token_endpoint_auth_method: 'client_secret_basic' }, ({ secret }) => [
    `OIDCClientSecret ${secret}`,
    'OIDCProviderTokenEndpointAuth client_secret_basic',
  ])
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  keyed = await guard(
    'keyed',
    {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'apache', alg: 'RS256' }] },
      // Its assertions are addressed to the token endpoint, as was right before RFC 7523bis.
      legacy: ['assertion_audience'],
    },
    ({ directory }) => {
      const [ours, theirs] = [join(directory, 'private.pem'), join(directory, 'public.pem')]
      writeFileSync(ours, privateKey.export({ format: 'pem', type: 'pkcs8' }))
      writeFileSync(theirs, publicKey.export({ format: 'pem', type: 'spki' }))
      return [
        `OIDCPrivateKeyFiles apache#${ours}`,
        `OIDCPublicKeyFiles apache#${theirs}`,
        'OIDCProviderTokenEndpointAuth private_key_jwt',
        'OIDCResponseMode form_post',
      ]
    },
  )
})
afterAll(async () => {
  await plain?.apache.close()
  await keyed?.apache.close()
  await server.close()
})

/** An Apache that asks Gatehouse who somebody is before it shows `/secure/`. */
async function guard(
  clientId: string,
  metadata: Readonly<Record<string, unknown>>,
  proof: (given: { readonly secret: string; readonly directory: string }) => readonly string[],
): Promise<Guarded> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const { secret } = await server.makeClient({
    client_id: clientId,
    client_name: `Apache, ${clientId}`,
    redirect_uris: [`${origin}/secure/back`],
    post_logout_redirect_uris: [`${origin}/`],
    grant_types: ['authorization_code', 'refresh_token'],
    ...metadata,
  })
  const apache = await startApache({
    port,
    load: ['auth_openidc'],
    paths: ['secure'],
    configure: (directory) => `
      OIDCProviderMetadataURL ${server.url}/.well-known/openid-configuration
      OIDCClientID ${clientId}
      ${proof({ secret, directory }).join('\n      ')}
      OIDCRedirectURI ${origin}/secure/back
      OIDCCryptoPassphrase ${randomBytes(24).toString('base64url')}
      OIDCScope "openid profile email offline_access"
      OIDCPKCEMethod S256
      OIDCRemoteUserClaim preferred_username
      # Every page begins with a fresh access token: refreshing is proved by looking twice.
      OIDCRefreshAccessTokenBeforeExpiry 3600
      <Location /secure>
        AuthType openid-connect
        # The kit's fetch says sec-fetch-mode: cors, which the module takes for a script that can't follow to a sign-in.
        OIDCUnAuthAction auth true
        Require claim preferred_username:ada
        Header always set X-Person "expr=%{REMOTE_USER}"
        Header always set X-Mail "%{OIDC_CLAIM_email}e"
        Header always set X-Token "%{OIDC_access_token}e"
      </Location>`,
  })
  return { origin, apache }
}

/** From the guarded page to the one that carries the answer home, on our pages. */
async function signIn(atServer: Browser, url: string) {
  let page = await follow(server, atServer, await atServer.ask(url))
  page = await follow(server, atServer, await submit(atServer, page, 'sign-in', { username: 'ada', password }))
  return follow(server, atServer, await submit(atServer, page, 'consent', { decision: 'allow' }))
}

describe('mod_auth_openidc', () => {
  test('client_secret_basic: sign-in, claims from userinfo, refresh at each page, sign-out at both', async () => {
    const [atSite, atServer] = [createBrowser(plain.origin), createBrowser(server.url)]
    const away = await atSite.ask('/secure/')
    expect(away.status, plain.apache.log()).toBe(302)
    const home = await atSite.ask((await authorize(server, atServer, away.location ?? '', 'ada')).href)
    expect(home.location, `${home.text} ${plain.apache.log()}`).toBe(`${plain.origin}/secure/`)

    const first = await atSite.ask('/secure/')
    expect(first.status, plain.apache.log()).toBe(200)
    expect(first.text).toContain('Let in')
    expect(first.headers.get('x-person')).toBe('ada')
    expect(first.headers.get('x-mail')).toBe('ada@example.org')
    const second = await atSite.ask('/secure/')
    expect(second.headers.get('x-token')).not.toBe(first.headers.get('x-token'))

    const bye = await atSite.ask(`/secure/back?logout=${encodeURIComponent(`${plain.origin}/`)}`)
    expect(bye.location).toContain(`${server.url}/oauth/logout?id_token_hint=`)
    expect((await atServer.ask(bye.location ?? '')).location).toBe(`${plain.origin}/`)
    expect((await atServer.ask('/account')).location).toContain('/signin')
    expect((await atSite.ask('/secure/')).location).toContain('/oauth/authorize?')
  })

  test('private_key_jwt, PKCE and form_post', async () => {
    const [atSite, atServer] = [createBrowser(keyed.origin), createBrowser(server.url)]
    const away = await atSite.ask('/secure/')
    expect(away.location).toContain('code_challenge_method=S256')
    const form = readForm((await signIn(atServer, away.location ?? '')).text, 'form-post')
    const home = await atSite.ask(form.action, { form: form.fields })
    expect(home.location, `${home.text} ${keyed.apache.log()}`).toBe(`${keyed.origin}/secure/`)
    expect((await atSite.ask('/secure/')).headers.get('x-person'), keyed.apache.log()).toBe('ada')
  })

  test('a denied consent ends at a page of Apache, not in a session', async () => {
    const [atSite, atServer] = [createBrowser(plain.origin), createBrowser(server.url)]
    const away = await atSite.ask('/secure/')
    let page = await follow(server, atServer, await atServer.ask(`${away.location}&prompt=consent`))
    page = await follow(server, atServer, await submit(atServer, page, 'sign-in', { username: 'ada', password }))
    const denied = await submit(atServer, page, 'consent', { decision: 'deny' })
    expect(denied.location).toContain('error=access_denied')
    // 2.4.12 misreads an error that names its issuer, as RFC 9207 §2 wants, and words it badly. It lets nobody in.
    expect((await atSite.ask(denied.location ?? '')).text).toContain('<title>Error</title>')
    expect((await atSite.ask('/secure/')).status).toBe(302)
  })
})
