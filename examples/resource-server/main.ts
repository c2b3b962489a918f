// Two APIs behind Gatehouse: notes, whose tokens are verified offline, and a door, whose tokens are asked about.
// Started by `npm run example:resource-server`; ISSUER, CLIENT_SECRET and PORT come from there.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
// In a program of your own: from 'gatehouse/resource'
import { callerOf, createResourceServer, type Caller } from '../../src/resource/index.ts'

const { ISSUER: issuer = 'http://localhost:8080', PORT: port = '3001', CLIENT_SECRET: clientSecret = '' } = process.env

// Each API has its own identifier, so a token for one opens nothing at the other.
const notesApi = createResourceServer({ issuer, resource: 'https://notes.example' })
const doorApi = createResourceServer({
  issuer,
  resource: 'https://door.example',
  client: { clientId: 'resource-server', clientSecret },
  // A token that was revoked a moment ago opens no door.
  memorySeconds: 0,
})

type Route = {
  readonly guard: ReturnType<typeof notesApi.express>
  readonly answer: (caller: Caller, body: string) => unknown
}

const notes = new Map<string, { readonly text: string; readonly at: string }[]>()
const nameOf = ({ username, subject }: Caller): string => username ?? subject

const routes: Readonly<Record<string, Route>> = {
  'GET /notes': {
    guard: notesApi.express({ scope: 'notes:read' }),
    answer: (caller) => ({ owner: nameOf(caller), notes: notes.get(caller.subject) ?? [] }),
  },
  'POST /notes': {
    guard: notesApi.express({ scope: 'notes:write' }),
    answer: (caller, body) => {
      const text = new URLSearchParams(body).get('text')?.trim().slice(0, 200) ?? ''
      const before = notes.get(caller.subject) ?? []
      const mine = text === '' ? before : [...before, { text, at: new Date().toISOString() }].slice(-20)
      notes.set(caller.subject, mine)
      return { owner: nameOf(caller), notes: mine }
    },
  },
  'POST /door': {
    guard: doorApi.express({ scope: 'door:open' }),
    answer: (caller) => ({ door: 'open', for: nameOf(caller), at: new Date().toISOString() }),
  },
}

function serve(request: IncomingMessage, response: ServerResponse): void {
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
  // The guard answers by itself whoever it doesn't let in, as RFC 6750 wants.
  route.guard(request, response, (error) => {
    const caller = callerOf(request)
    if (error !== undefined || caller === undefined) return fail(response, error)
    void answer(route, caller, request, response)
  })
}

async function answer(route: Route, caller: Caller, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    send(response, 200, route.answer(caller, await bodyOf(request)))
  } catch (error) {
    fail(response, error)
  }
}

function fail(response: ServerResponse, error: unknown): void {
  console.error(error)
  send(response, 500)
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

createServer(serve).listen(Number(port), '127.0.0.1')
