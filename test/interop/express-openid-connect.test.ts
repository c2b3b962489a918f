import { randomBytes } from 'node:crypto'
import express from 'express'
import eoc from 'express-openid-connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { newVisitor, openSite, signInAt, type Site } from './express-site.ts'

let server: TestGatehouse
let site: Site

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { email: 'ada@example.org' })
  const app = express()
  site = await openSite(app)
  const client = await server.makeClient({
    client_id: 'express',
    redirect_uris: [`${site.origin}/callback`],
    post_logout_redirect_uris: [site.origin, `${site.origin}/`],
  })
  app.use(
    eoc.auth({
      issuerBaseURL: server.url,
      baseURL: site.origin,
      clientID: client.clientId,
      clientSecret: client.secret,
      secret: randomBytes(32).toString('hex'),
      authRequired: false,
      idpLogout: true,
      enableTelemetry: false,
      authorizationParams: { response_type: 'code', scope: 'openid profile email offline_access' },
    }),
  )
  app.get('/me', eoc.requiresAuth(), async ({ oidc }, response) => {
    response.json({ claims: oidc.idTokenClaims, info: await oidc.fetchUserInfo() })
  })
  app.get('/refresh', eoc.requiresAuth(), async ({ oidc }, response) => {
    const before = oidc.accessToken?.access_token
    const after = await oidc.accessToken?.refresh()
    response.json({ renewed: after?.access_token !== undefined && after.access_token !== before })
  })
})
afterAll(async () => {
  await site.close()
  await server.close()
})

describe('express-openid-connect 3', () => {
  test('a page that needs a sign-in leads there and back; userinfo, refresh, sign-out at both', async () => {
    const visitor = newVisitor(server, site)
    const back = await signInAt(server, visitor, '/me', 'ada')
    expect(back.location).toBe('/me')
    const me = (await visitor.atSite.ask('/me')).json()
    expect(me).toMatchObject({
      claims: { iss: server.url, aud: 'express' },
      info: { preferred_username: 'ada', email: 'ada@example.org' },
    })
    expect((await visitor.atSite.ask('/refresh')).json()).toEqual({ renewed: true })

    const away = await visitor.atSite.ask('/logout')
    expect(away.location).toContain(`${server.url}/oauth/logout?`)
    expect((await visitor.atServer.ask(away.location ?? '')).location).toBe(site.origin)
    expect((await visitor.atServer.ask('/account')).location).toContain('/signin')
    expect((await visitor.atSite.ask('/me')).location).toContain(`${server.url}/oauth/authorize?`)
  })
})
