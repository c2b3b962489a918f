import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { endServers, serve, workplace, type Server } from './bench.ts'

const places = { stdout: workplace(), file: workplace(), http: workplace() }
const secret = 'jZr4vT0kQ2mX8pL6sW1yB9nD3fH5gC7aE0uRiOqMxKw'
const collected: string[] = []
const state = { takes: true }
const collector = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    if (state.takes) collected.push(body)
    response.writeHead(state.takes ? 204 : 507).end()
  })
})

beforeAll(() => new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve)))
afterEach(endServers)
afterAll(() => {
  collector.closeAllConnections()
  collector.close()
  for (const { remove } of Object.values(places)) remove()
})

/** On a connection of its own, so that the workers take turns. */
async function mint({ issuer }: Server): Promise<{ readonly status: number; readonly jti: string }> {
  const answer = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`service:${secret}`)}`, connection: 'close' },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const { access_token: token = '..' } = (await answer.json()) as { access_token?: string }
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return { status: answer.status, jti: claims === '' ? '' : (JSON.parse(claims) as { jti: string }).jti }
}

test.each(['stdout', 'file', 'http'] as const)(
  'M09: with --workers 2 every token of every worker has its line at the %s sink, whole',
  { timeout: 120_000 },
  async (kind) => {
    const { directory } = places[kind]
    const file = join(directory, 'audit.jsonl')
    const port = (collector.address() as AddressInfo).port
    const sink = { stdout: 'stdout', file: `file:${file}`, http: `http://127.0.0.1:${port}/events` }[kind]
    const config = join(directory, 'gatehouse.yaml')
    const client = { client_id: 'service', grant_types: ['client_credentials'], client_secret: { env: 'SECRET' } }
    const audit = { sink, ...(kind === 'http' && { allow_insecure: true }) }
    writeFileSync(config, JSON.stringify({ audit, clients: [client] }))
    const server = await serve(directory, ['--config', config, '--workers', '2'], { SECRET: secret })
    const minted = await Promise.all(Array.from({ length: 60 }, () => mint(server)))
    expect(new Set(minted.map(({ status }) => status))).toEqual(new Set([200]))
    if (kind === 'http') {
      state.takes = false
      // The first of each worker finds out; whoever asks after that hears it at once.
      await Promise.all(Array.from({ length: 8 }, () => mint(server)))
      const refused = await Promise.all(Array.from({ length: 12 }, () => mint(server)))
      expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]))
      state.takes = true
      await expect.poll(async () => (await mint(server)).status, { timeout: 15_000 }).toBe(200)
    }
    server.signal('SIGTERM')
    expect(await server.ended).toBe(0)
    const text = { stdout: server.out, file: () => readFileSync(file, 'utf8'), http: () => collected.join('') }[kind]()
    const told = text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { readonly type?: string; readonly jti?: string })
    const issued = new Set(told.filter(({ type }) => type === 'token.issued').map(({ jti }) => jti))
    expect(minted.filter(({ jti }) => !issued.has(jti))).toEqual([])
  },
)
