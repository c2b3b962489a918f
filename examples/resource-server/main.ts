// Two APIs behind Gatehouse: notes, whose tokens are verified offline, and a door, whose tokens are asked about.
// Started by `npm run example:resource-server`; ISSUER, CLIENT_SECRET and PORT come from there.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { challenge, type Guard } from './guard.ts'
import { createIntrospection } from './introspection.ts'
import { createOfflineVerification } from './offline-verification.ts'

const { ISSUER: issuer = 'http://localhost:8080', PORT: port = '3001', CLIENT_SECRET: secret = '' } = process.env

// RFC 8414: where everything is, from the one address that this program was told.
const metadata = (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as {
  readonly issuer: string
  readonly jwks_uri: string
  readonly introspection_endpoint: string
}
if (metadata.issuer !== issuer) throw new Error(`${issuer} calls itself ${metadata.issuer}`)

const forNotes = createOfflineVerification({ issuer, jwksUri: metadata.jwks_uri, audience: 'https://notes.example' })
const forDoor = createIntrospection({
  endpoint: metadata.introspection_endpoint,
  clientId: 'resource-server',
  clientSecret: secret,
  audience: 'https://door.example',
})

type Route = {
  readonly guard: Guard
  readonly scope: string
  readonly answer: (caller: { readonly subject: string; readonly name: string }, body: string) => unknown
}

const notes = new Map<string, { readonly text: string; readonly at: string }[]>()

const routes: Readonly<Record<string, Route>> = {
  'GET /notes': {
    guard: forNotes,
    scope: 'notes:read',
    answer: ({ subject, name }) => ({ owner: name, notes: notes.get(subject) ?? [] }),
  },
  'POST /notes': {
    guard: forNotes,
    scope: 'notes:write',
    answer: ({ subject, name }, body) => {
      const text = new URLSearchParams(body).get('text')?.trim().slice(0, 200) ?? ''
      const before = notes.get(subject) ?? []
      const mine = text === '' ? before : [...before, { text, at: new Date().toISOString() }].slice(-20)
      notes.set(subject, mine)
      return { owner: name, notes: mine }
    },
  },
  'POST /door': {
    guard: forDoor,
    scope: 'door:open',
    answer: ({ name }) => ({ door: 'open', for: name, at: new Date().toISOString() }),
  },
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A script of any page may call, because nothing here goes by cookies: without a token it gets nowhere.
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-expose-headers', 'www-authenticate')
  response.setHeader('cache-control', 'no-store')
  if (request.method === 'OPTIONS') {
    response.setHeader('access-control-allow-headers', 'authorization, content-type')
    return send(response, 204)
  }
  const route = routes[`${request.method} ${request.url}`]
  if (route === undefined) return send(response, 404, { apis: Object.keys(routes) })

  const [scheme, token] = request.headers.authorization?.split(' ') ?? []
  // RFC 6750 §3.1: who sent no token is told what is wanted, and of no error.
  if (token === undefined || scheme?.toLowerCase() !== 'bearer') {
    return refuse(response, 401, challenge())
  }
  const checked = await route.guard(token)
  if ('unavailable' in checked) return send(response, 503, { error: 'temporarily_unavailable' })
  if ('invalid' in checked) return refuse(response, 401, challenge('invalid_token', checked.invalid))
  if (!checked.scope.includes(route.scope)) {
    return refuse(response, 403, challenge('insufficient_scope', 'The token may not do this', route.scope))
  }
  send(response, 200, route.answer(checked, await bodyOf(request)))
}

function refuse(response: ServerResponse, status: 401 | 403, header: string): void {
  response.setHeader('www-authenticate', header)
  send(response, status, { error: status === 401 ? 'unauthorized' : 'forbidden' })
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > 10_000) throw new Error('the body is too long')
  }
  return body
}

createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    console.error(error)
    if (!response.headersSent) response.writeHead(500)
    response.end()
  })
}).listen(Number(port), '127.0.0.1')
