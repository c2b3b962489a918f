import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as an emulator sees it. */
export type Asked = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly form: URLSearchParams
}

export type Reply = {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
  /** Answer nothing, and hang up. */
  readonly hangUp?: boolean
}

export type Emulator = {
  readonly url: string
  /** Everything that was asked, in order. */
  readonly asked: Asked[]
  readonly askedAt: (path: string) => readonly Asked[]
  readonly close: () => Promise<void>
}

/** A provider on a free loopback port. `answer` gets what no browser page covers. */
export async function startEmulator(answer: (asked: Asked) => Promise<Reply> | Reply): Promise<Emulator> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://emulator')
      const body = Buffer.concat(chunks).toString('utf8')
      const one: Asked = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body,
        form: new URLSearchParams(body),
      }
      asked.push(one)
      Promise.resolve(answer(one)).then(
        (reply) => send(response, reply),
        (error: unknown) => send(response, { status: 500, text: String(error) }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    askedAt: (path) => asked.filter((one) => one.path === path),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, json, text, hangUp }: Reply): void {
  if (hangUp === true) return void response.destroy()
  const type = json === undefined ? 'text/html; charset=utf-8' : 'application/json'
  response.writeHead(status, { 'content-type': type, ...headers })
  response.end(json === undefined ? (text ?? '') : JSON.stringify(json))
}

export const redirectTo = (location: string): Reply => ({ status: 302, headers: { location } })

/** The page on which somebody allows or denies; its links lead back to the emulator, which then redirects. */
export function consentPage(query: URLSearchParams): Reply {
  const link = (decision: string) =>
    `?${new URLSearchParams([...query, ['decision', decision]]).toString().replaceAll('&', '&amp;')}`
  return {
    text: `<!doctype html><title>Provider</title><h1>Allow?</h1><a id="allow" href="${link('allow')}">Allow</a> <a id="deny" href="${link('deny')}">Deny</a>`,
  }
}

export const fresh = (bytes = 16): string => randomBytes(bytes).toString('base64url')

export const s256 = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/** Where a browser is sent back to, with these parameters. */
export function backTo(redirectUri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
  return url.href
}

/** What somebody's browser gets when he allows (or denies) what an authorization URL asks: the callback URL. */
export async function consent(authorizationUrl: string, decision: 'allow' | 'deny' = 'allow'): Promise<string> {
  const url = new URL(authorizationUrl)
  url.searchParams.set('decision', decision)
  const response = await fetch(url, { redirect: 'manual' })
  const location = response.headers.get('location')
  if (location === null) throw new Error(`the emulator sends nobody back: ${response.status} ${await response.text()}`)
  return location
}
