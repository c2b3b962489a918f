import { createHash, randomBytes } from 'node:crypto'
import express, { type Request } from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy, type Profile, type VerifyCallback } from 'passport-openidconnect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, claimsOf } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { newVisitor, openSite, signInAt, type Site } from './express-site.ts'

type Person = { readonly id: string; readonly name: string; readonly email: string; readonly idToken: string }
type Exchange = (code: string, parameters: object, done: () => void) => void

/**
 * The library of 2021 knows no PKCE, which is wanted of every client here. Its own doors for subclasses are enough:
 * `authorizationParams`, and the `_oauth2` that its authors call protected. Passport makes a copy of the strategy for each request.
 */
class PkceStrategy extends Strategy {
  challenge = ''

  override authenticate(request: Request, options: object): void {
    const visit = request.session as unknown as { verifier?: string }
    if (request.query['code'] === undefined) visit.verifier = randomBytes(32).toString('base64url')
    const { verifier = '' } = visit
    const plain = this['_oauth2']
    const exchange = plain.getOAuthAccessToken.bind(plain) as Exchange
    const withVerifier: Exchange = (code, parameters, done) =>
      exchange(code, { ...parameters, code_verifier: verifier }, done)
    this['_oauth2'] = Object.create(plain, { getOAuthAccessToken: { value: withVerifier } }) as typeof plain
    this.challenge = createHash('sha256').update(verifier).digest('base64url')
    super.authenticate(request, options)
  }

  override authorizationParams(): object {
    return { code_challenge: this.challenge, code_challenge_method: 'S256' }
  }
}

let server: TestGatehouse
let site: Site

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { email: 'ada@example.org' })
  const app = express()
  site = await openSite(app)
  const client = await server.makeClient({
    client_id: 'passport',
    redirect_uris: [`${site.origin}/callback`],
    post_logout_redirect_uris: [`${site.origin}/`],
    // What the library beneath it does, without asking.
    token_endpoint_auth_method: 'client_secret_post',
  })
  const strategy = new PkceStrategy(
    {
      issuer: server.url,
      authorizationURL: `${server.url}/oauth/authorize`,
      tokenURL: `${server.url}/oauth/token`,
      userInfoURL: `${server.url}/oauth/userinfo`,
      clientID: client.clientId,
      clientSecret: client.secret,
      callbackURL: `${site.origin}/callback`,
      scope: ['profile', 'email'],
      skipUserProfile: false,
      // Its types know only texts; any of them switches the random one on.
      nonce: 'on',
    },
    (
      _issuer: string,
      profile: Profile,
      _context: object,
      idToken: string | object,
      _accessToken: string | object,
      _refresh: string,
      done: VerifyCallback,
    ) => {
      const person = {
        id: profile.id,
        name: profile.username ?? '',
        email: profile.emails?.[0]?.value ?? '',
        idToken: typeof idToken === 'string' ? idToken : '',
      }
      done(null, person)
    },
  )
  const visits = new passport.Passport()
  visits.use(strategy)
  visits.serializeUser((person, done) => done(null, person))
  visits.deserializeUser((person: Person, done) => done(null, person))
  app.use(session({ secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }))
  app.use(visits.session())
  app.get('/login', visits.authenticate('openidconnect'))
  app.get('/callback', visits.authenticate('openidconnect', { successRedirect: '/me' }))
  app.get('/me', (request, response) => void response.json(request.user ?? null))
  app.get('/logout', (request, response, next) => {
    const { idToken } = request.user as Person
    request.logout((error) => {
      if (error !== undefined && error !== null) return next(error)
      const hint = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: `${site.origin}/` })
      response.redirect(`${server.url}/oauth/logout?${hint.toString()}`)
    })
  })
})
afterAll(async () => {
  await site.close()
  await server.close()
})

describe('passport-openidconnect 0.1', () => {
  test('sign-in, profile from userinfo, sign-out at both', async () => {
    const visitor = newVisitor(server, site)
    expect((await signInAt(server, visitor, '/login', 'ada')).location).toBe('/me')
    const me = (await visitor.atSite.ask('/me')).json()
    expect(me).toMatchObject({ name: 'ada', email: 'ada@example.org' })
    const claims = claimsOf(String(me['idToken']))
    expect(claims).toMatchObject({ iss: server.url, aud: 'passport', sub: me['id'] })
    expect(String(claims['nonce'])).toHaveLength(20)

    const away = await visitor.atSite.ask('/logout')
    expect((await visitor.atServer.ask(away.location ?? '')).location).toBe(`${site.origin}/`)
    expect((await visitor.atSite.ask('/me')).text).toBe('null')
    expect((await visitor.atServer.ask('/account')).location).toContain('/signin')
  })

  test('an answer to a request of another browser is refused by its state', async () => {
    const [ours, theirs] = [newVisitor(server, site), newVisitor(server, site)]
    const away = await ours.atSite.ask('/login')
    await theirs.atSite.ask('/login')
    const back = await authorize(server, ours.atServer, away.location ?? '', 'ada')
    expect((await theirs.atSite.ask(back.href)).status).toBe(403)
    expect((await theirs.atSite.ask('/me')).text).toBe('null')
  })
})
