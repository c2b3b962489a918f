// node bench/shell.ts [ROUNDS] [SECONDS]
// What the HTTP shell costs beside bare node:http: the same answers, both servers on one core and loaded at the same time, so that a
// busy machine slows both alike. With a role as its argument (`bare`, `shell`) it is one of the two servers.
import { fork, spawnSync, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createLog } from '../src/server/log.ts'
import { createMetrics } from '../src/server/metrics.ts'
import { createShell } from '../src/server/http.ts'
import { createSystem } from '../src/server/system.ts'
import { connect } from './load/connection.ts'
import { basicAuthorization, getMessage, postMessage } from './load/message.ts'
import { usageOf } from './measure/process.ts'
import { LOAD_CORE, SERVER_CORE, onCore, pins } from './sides/start.ts'

const roles = ['bare', 'shell'] as const
type Role = (typeof roles)[number]

const connections = 16
const key = { kty: 'RSA', n: 'n'.repeat(342), e: 'AQAB', kid: 'k', alg: 'RS256', use: 'sig' }
const jwks = JSON.stringify({ keys: [key, key] })
const token = JSON.stringify({ access_token: 't'.repeat(300), token_type: 'Bearer', expires_in: 900 })
const json = ['content-type', 'application/json'] as const
const noStore = ['cache-control', 'no-store'] as const
const cached = ['cache-control', 'public, max-age=300'] as const

const [role, seconds] = process.argv.slice(2)
if (role === 'bare') announce(await serveBare())
else if (role === 'shell') announce(await serveShell())
else await compare(Number(role ?? 5), Number(seconds ?? 5))

function serveBare(): Promise<AddressInfo> {
  const server = createServer({ optimizeEmptyRequests: true }, (request, response) => {
    const answer = (body: string, caching: readonly string[]) => {
      response.writeHead(200, [...json, ...caching, 'content-length', String(body.length)])
      response.end(body, 'latin1')
    }
    if (request.url === '/jwks') {
      answer(jwks, cached)
      return
    }
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')))
    request.on('end', () => answer(body === '' ? '' : token, noStore))
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address() as AddressInfo)))
}

function serveShell(): Promise<AddressInfo> {
  const system = createSystem()
  const shell = createShell({
    routes: [
      {
        method: 'GET',
        path: '/jwks',
        kind: 'none',
        access: 'public',
        endpoint: () => ({ status: 200, headers: [json, cached], body: jwks }),
      },
      {
        method: 'POST',
        path: '/token',
        kind: 'form',
        access: 'client',
        endpoint: ({ body }) => ({ status: 200, headers: [json, noStore], body: body === '' ? '' : token }),
      },
    ],
    config: { issuer: 'http://localhost:8080', trustedProxies: [], listen: { host: '127.0.0.1', port: 0 } },
    system,
    log: createLog({ level: 'info', clock: system.clock }),
    metrics: createMetrics(),
    errorPage: ({ status }) => ({ status, headers: [], body: '' }),
  })
  return shell.listen()
}

function announce({ port }: AddressInfo): void {
  process.send?.(port)
  process.on('disconnect', () => process.exit(0))
}

async function compare(rounds: number, secondsEach: number): Promise<void> {
  if (pins) spawnSync('taskset', ['-pc', String(LOAD_CORE), String(process.pid)])
  const flows = { 'POST /token': post, 'GET /jwks': get } as const
  for (const [name, messageFor] of Object.entries(flows)) {
    const micros: Record<Role, number[]> = { bare: [], shell: [] }
    for (let round = 0; round < rounds; round += 1) {
      const sides = await Promise.all(roles.map((side) => startSide(side)))
      await Promise.all(sides.map(({ port }) => load(port, messageFor(port), 2)))
      const measured = await Promise.all(
        sides.map(async ({ role: side, port, pid }) => {
          const before = usageOf(pid).cpuMicroseconds
          const answers = await load(port, messageFor(port), secondsEach)
          return { side, each: (usageOf(pid).cpuMicroseconds - before) / answers }
        }),
      )
      for (const { side, each } of measured) micros[side].push(each)
      for (const { process: child } of sides) child.disconnect()
    }
    const ratios = micros.shell.map((each, round) => each / (micros.bare[round] ?? 1))
    console.log(
      `${name.padEnd(12)} bare ${median(micros.bare).toFixed(1)} µs, shell ${median(micros.shell).toFixed(1)} µs, ratio ${median(ratios).toFixed(2)} ` +
        `(${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)} in ${rounds} rounds)`,
    )
  }
}

async function startSide(side: Role): Promise<{ role: Role; port: number; pid: number; process: ChildProcess }> {
  const [command, args] = onCore(SERVER_CORE, [])
  const child = fork(fileURLToPath(import.meta.url), [side], { execPath: command, execArgv: [...args] })
  const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(Number(message))))
  return { role: side, port, pid: child.pid ?? 0, process: child }
}

/** Closed loop: so many connections, one request in flight on each. Returns how many were answered. */
async function load(port: number, message: string, forSeconds: number): Promise<number> {
  const until = performance.now() + forSeconds * 1000
  let answers = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = await connect('127.0.0.1', port)
      while (performance.now() < until) {
        const reply = await connection.request(message)
        if (reply.status !== 200) throw new Error(`status ${reply.status}: ${reply.body}`)
        answers += 1
      }
      connection.close()
    }),
  )
  return answers
}

function post(port: number): string {
  const form = { grant_type: 'client_credentials', scope: 'read', resource: 'https://api.example' }
  return postMessage(`localhost:${port}`, '/token', form, basicAuthorization({ id: 'app', secret: 's'.repeat(43) }))
}

function get(port: number): string {
  return getMessage(`localhost:${port}`, '/jwks')
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
