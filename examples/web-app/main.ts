// A web application on a server: signs people in with Gatehouse, keeps their tokens in its session, calls two APIs for them.
// Started by `npm run example:web-app`; ISSUER, CLIENT_SECRET, API and PORT come from there.
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import express, { type Request } from 'express'
import session from 'express-session'
import * as openid from 'openid-client'
import { homePage, personPage, problemPage, type ApiAnswer } from './pages.ts'
import { accessTokenFor, type Tokens } from './tokens.ts'

const { ISSUER: issuer = 'http://localhost:8080', PORT: port = '3000', CLIENT_SECRET: secret = '' } = process.env
const { API: api = 'http://127.0.0.1:3001' } = process.env
const origin = `http://127.0.0.1:${port}`
const resources = ['https://notes.example', 'https://door.example'] as const

declare module 'express-session' {
  interface SessionData {
    /** Between leaving for Gatehouse and coming back: what the answer must fit. */
    leaving: { readonly pkceCodeVerifier: string; readonly expectedState: string; readonly expectedNonce: string }
    person: openid.UserInfoResponse
    tokens: Tokens
    /** What the last call of an API said, to be shown once. */
    told: ApiAnswer
  }
}

const config = await openid.discovery(new URL(issuer), 'web-app', undefined, openid.ClientSecretBasic(secret), {
  // Only because this example runs on loopback: everywhere else the issuer is https.
  execute: issuer.startsWith('http://localhost') ? [openid.allowInsecureRequests] : [],
})

const app = express()
app.disable('x-powered-by')
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))
app.use(express.urlencoded({ extended: false }))
app.use(
  session({
    name: 'notebook',
    secret: randomBytes(32).toString('hex'),
    resave: false,
    saveUninitialized: false,
    // Lax: a form on another page can't post here with this cookie, which is all the protection these forms need.
    cookie: { httpOnly: true, sameSite: 'lax' },
  }),
)

app.get('/', (request, response) => {
  const { person, tokens, told } = request.session
  delete request.session.told
  const signedIn = person !== undefined && tokens !== undefined
  response.send(signedIn ? personPage({ person, tokens, told, issuer, now: Date.now() }) : homePage(issuer))
})

app.get('/sign-in', async (request, response) => {
  const leaving = {
    pkceCodeVerifier: openid.randomPKCECodeVerifier(),
    expectedState: openid.randomState(),
    expectedNonce: openid.randomNonce(),
  }
  request.session.leaving = leaving
  const parameters = new URLSearchParams({
    redirect_uri: `${origin}/callback`,
    scope: 'openid profile email notes:read notes:write door:open',
    state: leaving.expectedState,
    nonce: leaving.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(leaving.pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  // RFC 8707: which APIs it will be about. Each gets tokens of its own.
  for (const resource of resources) parameters.append('resource', resource)
  response.redirect(openid.buildAuthorizationUrl(config, parameters).href)
})

app.get('/callback', async (request, response) => {
  const { leaving } = request.session
  if (leaving === undefined) return response.redirect('/')
  delete request.session.leaving
  const answer = await openid.authorizationCodeGrant(
    config,
    new URL(request.originalUrl, origin),
    { ...leaving, idTokenExpected: true },
    // The first token is for Gatehouse itself, to ask who this is.
    { resource: issuer },
  )
  const subject = answer.claims()?.sub ?? ''
  const person = await openid.fetchUserInfo(config, answer.access_token, subject)
  // A session that begins before the sign-in must not be the one after it: somebody else may have planted its id.
  await new Promise((resolve, reject) => request.session.regenerate((error) => (error ? reject(error) : resolve(0))))
  request.session.person = person
  request.session.tokens = {
    idToken: answer.id_token ?? '',
    refreshToken: answer.refresh_token ?? '',
    refreshedAt: Date.now(),
    forResource: {},
  }
  response.redirect('/')
})

app.post('/notes', (request, response) => call(request, '/notes', resources[0]).then(() => response.redirect('/')))
app.post('/notes/new', (request, response) => {
  const { text } = request.body as { readonly text?: string }
  return call(request, '/notes', resources[0], new URLSearchParams({ text: text ?? '' })).then(() =>
    response.redirect('/'),
  )
})
app.post('/door', (request, response) =>
  call(request, '/door', resources[1], new URLSearchParams()).then(() => response.redirect('/')),
)

/** Call an API as the person of this session. */
async function call(request: Request, path: string, resource: string, form?: URLSearchParams): Promise<void> {
  const { tokens } = request.session
  if (tokens === undefined) return
  const { token, tokens: now } = await accessTokenFor(config, tokens, resource)
  request.session.tokens = now
  const body = form === undefined ? {} : { method: 'POST', body: form }
  const answer = await fetch(`${api}${path}`, { ...body, headers: { authorization: `Bearer ${token}` } })
  request.session.told = {
    request: `${form === undefined ? 'GET' : 'POST'} ${path}`,
    status: answer.status,
    body: await answer.json(),
  }
}

app.post('/refresh', async (request, response) => {
  const { tokens } = request.session
  if (tokens !== undefined) {
    // As if every access token had run out.
    request.session.tokens = (await accessTokenFor(config, { ...tokens, forResource: {} }, resources[0])).tokens
  }
  response.redirect('/')
})

app.post('/sign-out', async (request, response) => {
  const hint = request.session.tokens?.idToken
  await new Promise((resolve) => request.session.destroy(resolve))
  if (hint === undefined) return response.redirect('/')
  // Gatehouse ends its session too, and with it the refresh token, which was given without offline_access.
  response.redirect(
    openid.buildEndSessionUrl(config, { id_token_hint: hint, post_logout_redirect_uri: `${origin}/` }).href,
  )
})

app.use((error: unknown, request: Request, response: express.Response, next: express.NextFunction) => {
  if (response.headersSent) return next(error)
  const refused = error instanceof openid.ResponseBodyError && error.error === 'invalid_grant'
  // The grant is over: signed out elsewhere, locked, or run out. Whoever it is signs in again.
  if (refused) return request.session.destroy(() => response.redirect('/'))
  const denied = error instanceof openid.AuthorizationResponseError
  if (!denied) console.error(error)
  response.status(denied ? 403 : 500).send(problemPage(denied ? error.error : 'server_error'))
})

app.listen(Number(port), '127.0.0.1')
