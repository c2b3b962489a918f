// A web front end without any state of its own: all that it knows of a person is the macaroon in his browser's cookie, which it
// asks Gatehouse about at every request. Any number of these run side by side, and a restart loses nothing.
// Started by `npm run example:macaroon-web`; ISSUER, CLIENT_SECRET and PORT come from there.
import express, { type Request, type Response } from 'express'
import * as openid from 'openid-client'
import { addCaveats, parseMacaroon, printInstant, printMacaroons } from '../../src/tokens/macaroon/index.ts'
import { homePage, personPage, problemPage } from './pages.ts'

const { ISSUER: issuer = 'http://localhost:8080', PORT: port = '3003', CLIENT_SECRET: secret = '' } = process.env
const origin = `http://127.0.0.1:${port}`
const api = 'https://garden.example'
const shareSeconds = 600

const config = await openid.discovery(new URL(issuer), 'macaroon-web', undefined, openid.ClientSecretBasic(secret), {
  // Only because this example runs on loopback: everywhere else the issuer is https.
  execute: issuer.startsWith('http://localhost') ? [openid.allowInsecureRequests] : [],
})

// Lax: a form on another page can't post here with this cookie. On https add `secure` and the prefix __Host-.
const cookie = { httpOnly: true, sameSite: 'lax', path: '/' } as const

const app = express()
app.disable('x-powered-by')
app.use(express.urlencoded({ extended: false }))

app.get('/', async (request, response) => {
  const person = await whoIs(request, cookiesOf(request)['garden'])
  response.send(person === undefined ? homePage(issuer) : personPage(person))
})

app.get('/sign-in', async (_request, response) => {
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  // Between leaving and coming back, the browser keeps what the answer must fit.
  response.cookie('garden-leaving', `${state}.${verifier}`, { ...cookie, maxAge: 600_000 })
  const parameters = new URLSearchParams({
    redirect_uri: `${origin}/callback`,
    scope: 'garden:water garden:look',
    resource: api,
    state,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  response.redirect(openid.buildAuthorizationUrl(config, parameters).href)
})

app.get('/callback', async (request, response) => {
  const [expectedState = '', pkceCodeVerifier = ''] = (cookiesOf(request)['garden-leaving'] ?? '').split('.')
  response.clearCookie('garden-leaving', cookie)
  const answer = await openid.authorizationCodeGrant(
    config,
    new URL(request.originalUrl, origin),
    { expectedState, pkceCodeVerifier },
    { resource: api },
  )
  // Narrowed before it is put anywhere: whoever steals the cookie can do what this site does with it, and nothing else.
  const token = narrowed(answer.access_token, ['endpoint = look water'])
  response.cookie('garden', token, { ...cookie, maxAge: (answer.expiresIn() ?? 0) * 1000 })
  response.redirect('/')
})

app.post('/water', async (request, response) => {
  const person = await whoIs(request, cookiesOf(request)['garden'], 'water')
  if (person === undefined || !scopesOf(person).includes('garden:water'))
    return response.status(403).send(problemPage('You may look, but not water.'))
  return response.send(personPage(person, { watered: true }))
})

/** A link that lets a friend look for ten minutes: the same macaroon, narrowed here, without asking anybody. */
app.post('/share', async (request, response) => {
  const { garden } = cookiesOf(request)
  const person = await whoIs(request, garden)
  if (person === undefined || garden === undefined) return response.redirect('/')
  const until = printInstant(Math.floor(Date.now() / 1000) + shareSeconds)
  const shared = narrowed(garden, ['endpoint = look', 'scope = garden:look', `time < ${until}`])
  return response.send(personPage(person, { shared: `${origin}/shared#${shared}` }))
})

app.get('/shared', (_request, response) => response.send(homePage(issuer, { shared: true })))
app.post('/shared', async (request, response) => {
  const { token } = request.body as { readonly token?: string }
  if ((await whoIs(request, token)) === undefined) return response.status(403).send(problemPage('This link has ended.'))
  response.cookie('garden', token, { ...cookie, maxAge: shareSeconds * 1000 })
  return response.redirect('/')
})

/** Leaving is forgetting the cookie; and ending what was in it, with everything that was narrowed from it. */
app.post('/sign-out', async (request, response) => {
  const { garden } = cookiesOf(request)
  if (garden !== undefined) await openid.tokenRevocation(config, garden)
  response.clearCookie('garden', cookie)
  response.redirect('/')
})

/** Who holds this macaroon, if it holds for what he wants to do here; Gatehouse measures its caveats by what we say of the call. */
async function whoIs(
  request: Request,
  token: string | undefined,
  endpoint = 'look',
): Promise<openid.IntrospectionResponse | undefined> {
  if (token === undefined) return undefined
  const context = { endpoint, method: request.method, ip: request.socket.remoteAddress ?? '' }
  const answer = await openid.tokenIntrospection(config, token, { caveat_context: JSON.stringify(context) })
  return answer.active && answer.aud === api ? answer : undefined
}

function narrowed(token: string, caveats: readonly string[]): string {
  // The checksum in front is for scanners; what is behind it is what every macaroon library reads.
  const macaroon = parseMacaroon(token.replace(/^gth_mc_[0-9a-f]{8}_/, ''))
  if (macaroon === undefined) throw new Error('Gatehouse gave no macaroon: is the format of the API macaroon?')
  return printMacaroons([addCaveats(macaroon, caveats)])
}

function cookiesOf(request: Request): Readonly<Record<string, string | undefined>> {
  const pairs = (request.headers.cookie ?? '').split('; ').map((pair) => pair.split('=', 2))
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name, decodeURIComponent(value)]))
}

function scopesOf({ scope }: openid.IntrospectionResponse): readonly string[] {
  return (scope ?? '').split(' ')
}

app.use((error: unknown, _request: Request, response: Response, next: express.NextFunction) => {
  if (response.headersSent) return next(error)
  console.error(error)
  return response.status(500).send(problemPage('That did not work.'))
})

app.listen(Number(port), '127.0.0.1')
